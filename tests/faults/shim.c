/* Stands between a program and the kernel: counts, fails, cuts short or logs its system calls on the files of one folder,
 * or kills it at one of them.
 *
 * Loaded by LD_PRELOAD, it asks the kernel (seccomp) to send SIGSYS for the calls in the table below, whoever makes them:
 * a wrapper of libc's functions would not see the calls that a program makes without libc. The handler does the call
 * itself, or does not, and gives back what the program then takes for the kernel's answer. The calls of the handler come
 * from one place, `kernel_call`, which the filter lets through.
 *
 * Not for programs that start others: the filter would outlive the handler.
 *
 * FAULTS_FOLDER  the folder, an absolute path without links; all that lies in it counts, and it itself
 * FAULTS_LOG     a file outside of it: a line for each call that counts
 * FAULTS_DATA    when set, the log also has what the calls wrote
 * FAULTS_KINDS   the kinds of calls that are numbered from 1, with commas around: ",write,sync,"; all when missing
 * FAULTS_AT      the number of the call at which it happens; 0 or nothing: never
 * FAULTS_DO      what happens: "fail" once, "fail-on" from there on, "kill" after it; or from there on to every call:
 *                "short" (half of it is done), "interrupt" (it fails, but not when repeated). Or "pause" before it: a byte
 *                goes into FAULTS_TELL, and it is done when one comes out of FAULTS_GO (both are named pipes)
 * FAULTS_ERRNO   what it fails with
 * FAULTS_LACKS   what the system has not, with commas around: ",ofd," locks of an open file; ",noreplace," renaming without
 *                replacing; ",link," hard links; ",chmod," and ",chown,"; ",foldersync," syncing a folder; ",locks," any lock
 *
 * A line of the log, fields parted by tabs, then as many bytes as the last field says, then a line break:
 *   kind, call, number, what was done ("-" when nothing was), result, inode, offset, length, path, second path, data bytes
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/falloc.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/* How the end of a process tells that the shim itself, and not the program, is at fault. */
#define SHIM_FAILED 98
/* The kernel does not let us. */
#define SHIM_REFUSED 97

long kernel_call(long number, long a, long b, long c, long d, long e, long f);
extern const char kernel_call_end[];

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
__asm__(".text\n.globl kernel_call\n.hidden kernel_call\n.type kernel_call,@function\n"
        "kernel_call:\n mov %rdi,%rax\n mov %rsi,%rdi\n mov %rdx,%rsi\n mov %rcx,%rdx\n mov %r8,%r10\n mov %r9,%r8\n"
        " mov 8(%rsp),%r9\n syscall\n ret\n"
        ".globl kernel_call_end\n.hidden kernel_call_end\nkernel_call_end:\n");
#define NUMBER(context) ((context)->uc_mcontext.gregs[REG_RAX])
#define RESULT(context) ((context)->uc_mcontext.gregs[REG_RAX])
#define ARGUMENTS(context)                                                                                     \
    { (context)->uc_mcontext.gregs[REG_RDI], (context)->uc_mcontext.gregs[REG_RSI],                            \
      (context)->uc_mcontext.gregs[REG_RDX], (context)->uc_mcontext.gregs[REG_R10],                            \
      (context)->uc_mcontext.gregs[REG_R8], (context)->uc_mcontext.gregs[REG_R9] }
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
__asm__(".text\n.globl kernel_call\n.hidden kernel_call\n.type kernel_call,%function\n"
        "kernel_call:\n mov x8,x0\n mov x0,x1\n mov x1,x2\n mov x2,x3\n mov x3,x4\n mov x4,x5\n mov x5,x6\n svc #0\n ret\n"
        ".globl kernel_call_end\n.hidden kernel_call_end\nkernel_call_end:\n");
#define NUMBER(context) ((context)->uc_mcontext.regs[8])
#define RESULT(context) ((context)->uc_mcontext.regs[0])
#define ARGUMENTS(context)                                                                                     \
    { (context)->uc_mcontext.regs[0], (context)->uc_mcontext.regs[1], (context)->uc_mcontext.regs[2],          \
      (context)->uc_mcontext.regs[3], (context)->uc_mcontext.regs[4], (context)->uc_mcontext.regs[5] }
#else
#error "not known on this machine"
#endif

/* Where a call's arguments have the file: a descriptor, a path, or a descriptor of a folder and a path from there. */
enum where { FD0, FD2, PATH0, AT0, PATH01, AT02, LINK1 };

static const struct call {
    long number;
    const char *kind;
    const char *name;
    enum where where;
} CALLS[] = {
    {SYS_openat, "open", "open", AT0},
    {SYS_read, "read", "read", FD0},
    {SYS_pread64, "read", "pread", FD0},
    {SYS_preadv, "read", "pread", FD0},
    {SYS_write, "write", "write", FD0},
    {SYS_writev, "write", "write", FD0},
    {SYS_pwrite64, "write", "pwrite", FD0},
    {SYS_pwritev, "write", "pwrite", FD0},
    {SYS_copy_file_range, "write", "copy_file_range", FD2},
    {SYS_sendfile, "write", "write", FD0},
    {SYS_ioctl, "write", "clone", FD0},
    {SYS_ftruncate, "size", "ftruncate", FD0},
    {SYS_fallocate, "size", "fallocate", FD0},
    {SYS_fsync, "sync", "sync", FD0},
    {SYS_fdatasync, "sync", "sync", FD0},
    {SYS_sync_file_range, "advice", "sync_file_range", FD0},
    {SYS_renameat, "rename", "rename", AT02},
    {SYS_renameat2, "rename", "rename", AT02},
    {SYS_linkat, "rename", "link", AT02},
    {SYS_unlinkat, "remove", "unlink", AT0},
    {SYS_mkdirat, "mkdir", "mkdir", AT0},
    {SYS_fcntl, "lock", "fcntl", FD0},
    {SYS_flock, "lock", "flock", FD0},
    {SYS_fchmod, "mode", "mode", FD0},
    {SYS_fchown, "mode", "mode", FD0},
    {SYS_fchmodat, "mode", "mode", AT0},
    {SYS_fchownat, "mode", "mode", AT0},
    {SYS_utimensat, "mode", "mode", AT0},
    {SYS_getdents64, "list", "getdents", FD0},
    {SYS_fstat, "look", "stat", FD0},
    {SYS_newfstatat, "look", "stat", AT0},
    {SYS_statx, "look", "stat", AT0},
    {SYS_statfs, "look", "statfs", PATH0},
    {SYS_fstatfs, "look", "statfs", FD0},
    {SYS_faccessat, "look", "access", AT0},
    {SYS_readlinkat, "look", "readlink", AT0},
    {SYS_symlinkat, "other", "symlinkat", LINK1},
    {SYS_truncate, "other", "truncate", PATH0},
#ifdef SYS_open
    {SYS_open, "open", "open", PATH0},
    {SYS_creat, "open", "open", PATH0},
    {SYS_rename, "rename", "rename", PATH01},
    {SYS_link, "rename", "link", PATH01},
    {SYS_unlink, "remove", "unlink", PATH0},
    {SYS_rmdir, "remove", "rmdir", PATH0},
    {SYS_mkdir, "mkdir", "mkdir", PATH0},
    {SYS_chmod, "mode", "mode", PATH0},
    {SYS_chown, "mode", "mode", PATH0},
    {SYS_stat, "look", "stat", PATH0},
    {SYS_lstat, "look", "stat", PATH0},
    {SYS_access, "look", "access", PATH0},
    {SYS_readlink, "look", "readlink", PATH0},
#endif
};
#define CALL_COUNT (sizeof CALLS / sizeof CALLS[0])

#define PATH_BYTES 4096
static const char *folder, *kinds, *deed, *lacks;
static int log_file = -1, tell_pipe = -1, go_pipe = -1, with_data;
static long at, error_number, seen;
static char busy;

static void give_up(const char *why) {
    kernel_call(SYS_write, 2, (long)"faults shim: ", 13, 0, 0, 0);
    kernel_call(SYS_write, 2, (long)why, (long)strlen(why), 0, 0, 0);
    kernel_call(SYS_write, 2, (long)"\n", 1, 0, 0, 0);
    kernel_call(SYS_exit_group, SHIM_FAILED, 0, 0, 0, 0, 0);
}

static void put(const char *bytes, size_t count) {
    while (count > 0) {
        long done = kernel_call(SYS_write, log_file, (long)bytes, (long)count, 0, 0, 0);
        if (done <= 0) give_up("cannot write the log");
        bytes += done;
        count -= (size_t)done;
    }
}

/* Where a descriptor leads. */
static void path_of(long fd, char *path) {
    char link[64];
    if (fd == AT_FDCWD) {
        strcpy(link, "/proc/self/cwd");
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%ld", fd);
    }
    long length = kernel_call(SYS_readlinkat, AT_FDCWD, (long)link, (long)path, PATH_BYTES - 1, 0, 0);
    path[length < 0 ? 0 : length] = 0;
}

/* The path `name` from the folder `fd`, made absolute; what leads there through links or dots is not resolved. */
static void path_from(long fd, const char *name, char *path) {
    path[0] = 0;
    if (name == NULL) return;
    if (name[0] == '/') {
        snprintf(path, PATH_BYTES, "%s", name);
        return;
    }
    path_of(fd, path);
    size_t length = strlen(path);
    if (name[0] != 0 && strcmp(name, ".") != 0) snprintf(path + length, PATH_BYTES - length, "/%s", name);
}

static int counts(const char *path) {
    size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

/* Finds the paths that a call is about, and says whether it counts. */
static int locate(const struct call *call, const long a[6], char *path, char *second) {
    path[0] = second[0] = 0;
    switch (call->where) {
    case FD0: path_of(a[0], path); break;
    case FD2: path_of(a[2], path); break;
    case PATH0: path_from(AT_FDCWD, (const char *)a[0], path); break;
    case AT0: path_from(a[0], (const char *)a[1], path); break;
    case LINK1: path_from(a[1], (const char *)a[2], path); break;
    case PATH01:
        path_from(AT_FDCWD, (const char *)a[0], path);
        path_from(AT_FDCWD, (const char *)a[1], second);
        break;
    case AT02:
        path_from(a[0], (const char *)a[1], path);
        path_from(a[2], (const char *)a[3], second);
        break;
    }
    return counts(path) || counts(second);
}

/* Whether it is one of those calls of a number that do more than one thing. */
static int matters(const struct call *call, const long a[6]) {
    if (call->number == SYS_fcntl) {
        return a[1] == F_SETLK || a[1] == F_SETLKW || a[1] == F_GETLK || a[1] == F_OFD_SETLK || a[1] == F_OFD_SETLKW ||
               a[1] == F_OFD_GETLK;
    }
    return call->number != SYS_ioctl || a[1] == (long)FICLONE || a[1] == (long)FICLONERANGE;
}

/* Half of what was asked for: a short read or write is the kernel's right. */
static void halve(const struct call *call, long a[6]) {
    switch (call->number) {
    case SYS_write: case SYS_pwrite64: case SYS_read: case SYS_pread64: a[2] = (a[2] + 1) / 2; break;
    case SYS_sendfile: a[3] = (a[3] + 1) / 2; break;
    case SYS_copy_file_range: a[4] = (a[4] + 1) / 2; break;
    }
}

static long offset_before(const struct call *call, const long a[6]) {
    switch (call->number) {
    case SYS_pwrite64: case SYS_pread64: case SYS_pwritev: case SYS_preadv: return a[3];
    case SYS_ftruncate: return a[1];
    case SYS_fallocate: return a[2];
    case SYS_write: case SYS_writev: case SYS_sendfile: return kernel_call(SYS_lseek, a[0], 0, SEEK_CUR, 0, 0, 0);
    case SYS_copy_file_range: return a[3] ? *(const long *)a[3] : kernel_call(SYS_lseek, a[2], 0, SEEK_CUR, 0, 0, 0);
    default: return 0;
    }
}

/* The range of the file that a call that has been done has changed. */
static long length_after(const struct call *call, const long a[6], long fd, long result) {
    struct stat status;
    if (call->number == SYS_fallocate) return a[3];
    if (call->number == SYS_ioctl) return kernel_call(SYS_fstat, fd, (long)&status, 0, 0, 0, 0) < 0 ? 0 : status.st_size;
    return strcmp(call->kind, "write") == 0 ? result : 0;
}

/* Writes the bytes of a range of the file into the log, whatever call has put them there. */
static void put_data(long fd, long offset, long length) {
    static char buffer[1 << 16];
    char link[64];
    long reader = fd;
    if (kernel_call(SYS_pread64, fd, (long)buffer, 0, 0, 0, 0) < 0) {
        snprintf(link, sizeof link, "/proc/self/fd/%ld", fd);
        reader = kernel_call(SYS_openat, AT_FDCWD, (long)link, O_RDONLY | O_CLOEXEC, 0, 0, 0);
    }
    while (length > 0) {
        long part = length < (long)sizeof buffer ? length : (long)sizeof buffer;
        long found = kernel_call(SYS_pread64, reader, (long)buffer, part, offset, 0, 0);
        if (found <= 0) give_up("cannot read back what was written");
        put(buffer, (size_t)found);
        offset += found;
        length -= found;
    }
    if (reader != fd) kernel_call(SYS_close, reader, 0, 0, 0, 0, 0);
}

/* The flags of a call that opens a file; 0 for any other. */
static long open_flags(const struct call *call, const long a[6]) {
    if (call->number == SYS_openat) return a[2];
#ifdef SYS_open
    if (call->number == SYS_open) return a[1];
    if (call->number == SYS_creat) return O_CREAT | O_TRUNC;
#endif
    return 0;
}

/* Opening a file that is there, and making one, can fail for different reasons. */
static const char *kind_of(const struct call *call, const long a[6]) {
    return open_flags(call, a) & O_CREAT ? "create" : call->kind;
}

static void note(const struct call *call, const long a[6], const char *done, long result, long offset, const char *path,
                 const char *second) {
    static char line[2 * PATH_BYTES + 512];
    struct stat status = {0};
    const char *name = call->name;
    long length = 0, data = 0;
    long fd = call->where == FD2 ? a[2] : call->where == FD0 ? a[0] : strcmp(call->kind, "open") == 0 ? result : -1;
    if (fd >= 0) kernel_call(SYS_fstat, fd, (long)&status, 0, 0, 0, 0);
    if (result >= 0 && fd >= 0) length = length_after(call, a, fd, result);
    if (result >= 0 && with_data && strcmp(call->kind, "write") == 0) data = length;
    if (call->number == SYS_fallocate) name = a[1] & FALLOC_FL_PUNCH_HOLE ? "punch" : a[1] & FALLOC_FL_KEEP_SIZE ? "reserve" : "extend";
    if (call->number == SYS_unlinkat && a[2] & AT_REMOVEDIR) name = "rmdir";
    if (open_flags(call, a) & O_TRUNC) name = "open-empty";
    if (call->number == SYS_renameat2 && a[4] & RENAME_EXCHANGE) name = "exchange";
    int count = snprintf(line, sizeof line, "%s\t%s\t%ld\t%s\t%ld\t%lu\t%ld\t%ld\t%s\t%s\t%ld\n", kind_of(call, a), name, seen,
                         done, result, (unsigned long)status.st_ino, offset, length, path, second, data);
    put(line, (size_t)count);
    if (data > 0) put_data(fd, offset, data);
    if (data > 0) put("\n", 1);
}

static int is_numbered(const char *kind) {
    char listed[32];
    if (kinds == NULL) return 1;
    snprintf(listed, sizeof listed, ",%s,", kind);
    return strstr(kinds, listed) != NULL;
}

/* Whether the call of the number `seen` is one at which it happens. */
static int happens(void) {
    if (at == 0 || seen < at) return 0;
    if (strcmp(deed, "interrupt") == 0) return (seen - at) % 2 == 0;
    return seen == at || strcmp(deed, "fail-on") == 0 || strcmp(deed, "short") == 0;
}

/* Lets somebody else act before the call. */
static void pause_here(void) {
    char byte = 0;
    if (kernel_call(SYS_write, tell_pipe, (long)&byte, 1, 0, 0, 0) != 1) give_up("cannot tell that it pauses");
    while (kernel_call(SYS_read, go_pipe, (long)&byte, 1, 0, 0, 0) != 1) {}
}

static void die(void) {
    kernel_call(SYS_kill, kernel_call(SYS_getpid, 0, 0, 0, 0, 0, 0), SIGKILL, 0, 0, 0, 0);
    for (;;) kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

static int lack(const char *what) {
    return lacks != NULL && strstr(lacks, what) != NULL;
}

/* What a system says that has not what the call asks for; 0 for one that has. */
static long lacking(const struct call *call, const long a[6]) {
    struct stat status;
    switch (call->number) {
    case SYS_fcntl:
        if (lack(",locks,")) return ENOLCK;
        return lack(",ofd,") && (a[1] == F_OFD_SETLK || a[1] == F_OFD_SETLKW || a[1] == F_OFD_GETLK) ? EINVAL : 0;
    case SYS_renameat2: return lack(",noreplace,") && a[4] != 0 ? EINVAL : 0;
    case SYS_linkat: return lack(",link,") ? EPERM : 0;
    case SYS_fchmod: return lack(",chmod,") ? EPERM : 0;
    case SYS_fchown: return lack(",chown,") ? EPERM : 0;
    case SYS_fsync:
        if (!lack(",foldersync,")) return 0;
        return kernel_call(SYS_fstat, a[0], (long)&status, 0, 0, 0, 0) == 0 && S_ISDIR(status.st_mode) ? ENOTSUP : 0;
    default: return 0;
    }
}

/* A call that counts: does with it what is to be done, and gives back what the program shall take for the answer. */
static long meet(const struct call *call, long a[6], const char *path, const char *second) {
    int numbered = is_numbered(kind_of(call, a));
    seen += numbered;
    int now = numbered && happens();
    long offset = offset_before(call, a), lacked = lacking(call, a);
    if (lacked != 0) {
        note(call, a, "lack", -lacked, offset, path, second);
        return -lacked;
    }
    if (now && (strncmp(deed, "fail", 4) == 0 || strcmp(deed, "interrupt") == 0)) {
        note(call, a, deed, -error_number, offset, path, second);
        return -error_number;
    }
    if (now && strcmp(deed, "short") == 0) halve(call, a);
    if (now && strcmp(deed, "pause") == 0) pause_here();
    long result = kernel_call(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
    note(call, a, now ? deed : "-", result, offset, path, second);
    if (now && strcmp(deed, "kill") == 0) die();
    return result;
}

static void on_call(int signal_number, siginfo_t *information, void *given) {
    ucontext_t *context = given;
    long a[6] = ARGUMENTS(context);
    long number = (long)NUMBER(context);
    char path[PATH_BYTES], second[PATH_BYTES];
    const struct call *call = NULL;
    (void)signal_number;
    (void)information;
    for (size_t i = 0; i < CALL_COUNT; i++) {
        if (CALLS[i].number == number) call = &CALLS[i];
    }
    if (call == NULL || !matters(call, a) || !locate(call, a, path, second)) {
        RESULT(context) = kernel_call(number, a[0], a[1], a[2], a[3], a[4], a[5]);
        return;
    }
    while (__atomic_test_and_set(&busy, __ATOMIC_ACQUIRE)) kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
    RESULT(context) = meet(call, a, path, second);
    __atomic_clear(&busy, __ATOMIC_RELEASE);
}

/* Asks for SIGSYS at each call of the table, unless it comes from `kernel_call`. */
static int filter(void) {
    static struct sock_filter program[CALL_COUNT + 16];
    uint64_t start = (uint64_t)(uintptr_t)&kernel_call, end = (uint64_t)(uintptr_t)kernel_call_end;
    unsigned short n = 0;
    if (start >> 32 != end >> 32) give_up("kernel_call lies across 4 GiB");
    const unsigned place = offsetof(struct seccomp_data, instruction_pointer);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const unsigned low = place, high = place + 4;
#else
    const unsigned low = place + 4, high = place;
#endif
#define LOAD(offset) (program[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset))
#define JUMP(test, value, yes, no) (program[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | test | BPF_K, value, yes, no))
#define RETURN(what) (program[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, what))
    LOAD(offsetof(struct seccomp_data, arch));
    JUMP(BPF_JEQ, ARCHITECTURE, 1, 0);
    RETURN(SECCOMP_RET_ALLOW);
    LOAD(high);
    JUMP(BPF_JEQ, (uint32_t)(start >> 32), 0, 4);
    LOAD(low);
    JUMP(BPF_JGE, (uint32_t)start, 0, 2);
    JUMP(BPF_JGT, (uint32_t)end, 1, 0);
    RETURN(SECCOMP_RET_ALLOW);
    LOAD(offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < CALL_COUNT; i++) JUMP(BPF_JEQ, (uint32_t)CALLS[i].number, (unsigned char)(CALL_COUNT - i), 0);
    RETURN(SECCOMP_RET_ALLOW);
    RETURN(SECCOMP_RET_TRAP);
    struct sock_fprog filter = {.len = n, .filter = program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

static const char *word(const char *name, const char *otherwise) {
    const char *value = getenv(name);
    return value != NULL ? value : otherwise;
}

__attribute__((constructor)) static void begin(void) {
    struct sigaction action = {.sa_sigaction = on_call, .sa_flags = SA_SIGINFO};
    const char *log_path = getenv("FAULTS_LOG");
    folder = getenv("FAULTS_FOLDER");
    if (folder == NULL || log_path == NULL) give_up("FAULTS_FOLDER or FAULTS_LOG is missing");
    kinds = getenv("FAULTS_KINDS");
    lacks = getenv("FAULTS_LACKS");
    deed = word("FAULTS_DO", "");
    at = atol(word("FAULTS_AT", "0"));
    error_number = atol(word("FAULTS_ERRNO", "5"));
    with_data = getenv("FAULTS_DATA") != NULL;
    log_file = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (log_file < 0) give_up("cannot make the log");
    if (strcmp(deed, "pause") == 0) {
        /* Opened both ways, so that nobody waits for the other end. */
        tell_pipe = open(word("FAULTS_TELL", ""), O_RDWR | O_CLOEXEC);
        go_pipe = open(word("FAULTS_GO", ""), O_RDWR | O_CLOEXEC);
        if (tell_pipe < 0 || go_pipe < 0) give_up("the pipes FAULTS_TELL and FAULTS_GO are missing");
    }
    if (sigaction(SIGSYS, &action, NULL) != 0 || filter() != 0) _exit(SHIM_REFUSED);
}
