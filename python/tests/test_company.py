"""Threads, writers, Ctrl-C: others work in the same process while it copies."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import litecopy

COPIES = int(os.environ.get("LITECOPY_COPIES", "150"))


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_copies_beside_connections_of_the_same_process(mode, tmp_path, sqlite3):
    """Writers in threads keep an invariant; each copy must keep it, and no writer may lose its lock to another."""
    source = tmp_path / "source.db"
    maker = sqlite3.connect(source)
    maker.execute(f"PRAGMA journal_mode = {mode}")
    maker.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, version INTEGER, pad)")
    maker.executemany("INSERT INTO t (version, pad) VALUES (0, ?)", [(bytes(400),)] * 60)
    maker.commit()
    maker.close()
    stop = threading.Event()
    commits, wrong = [0, 0], []

    def write(writer):
        connection = sqlite3.connect(source, timeout=30, isolation_level=None)
        while not stop.is_set():
            connection.execute("BEGIN IMMEDIATE")
            before = connection.execute("SELECT DISTINCT version FROM t").fetchall()
            connection.execute("UPDATE t SET version = version + 1, pad = randomblob(400)")
            after = connection.execute("SELECT DISTINCT version FROM t").fetchall()
            if after != [(before[0][0] + 1,)]:
                wrong.append((before, after))
            connection.execute("COMMIT")
            commits[writer] += 1
            stop.wait(0.002)
        connection.close()

    def copy(copier):
        for number in range(COPIES // 3):
            image = litecopy.connect(":memory:")
            # A connection of this thread is open on the source all the while.
            idle = sqlite3.connect(source)
            idle.execute("SELECT count(*) FROM t").fetchall()
            litecopy.backup(idle if number % 2 else source, image)
            to = tmp_path / f"copy-{copier}.db"
            litecopy.backup(source, to)
            copied = sqlite3.connect(to)
            versions = copied.execute("SELECT DISTINCT version FROM t").fetchall()
            sound = copied.execute("PRAGMA integrity_check").fetchone()
            copied.close()
            idle.close()
            if len(versions) != 1 or sound != ("ok",):
                wrong.append((versions, sound))

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(2)]
    copiers = [threading.Thread(target=copy, args=(copier,)) for copier in range(3)]
    for thread in writers + copiers:
        thread.start()
    for thread in copiers:
        thread.join()
    stop.set()
    for thread in writers:
        thread.join()
    assert not wrong
    check = sqlite3.connect(source)
    assert check.execute("SELECT DISTINCT version FROM t").fetchall() == [(sum(commits),)]
    assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_other_threads_go_on_while_it_copies(large, tmp_path):
    """Another thread runs between two steps, and while a lock is waited for, because nobody keeps the interpreter's lock."""
    ticks = []
    stop = threading.Event()

    def tick():
        while not stop.is_set():
            ticks.append(None)
            time.sleep(0.0005)

    thread = threading.Thread(target=tick)
    thread.start()
    counts = []
    litecopy.connect(large).backup(litecopy.connect(tmp_path / "copy.db"), pages=5,
                                   progress=lambda *_: counts.append(len(ticks)), rate=4_000_000)
    stop.set()
    thread.join()
    assert counts[-1] > counts[0]


WAITS = """
import sys, litecopy
print("begun", flush=True)
try:
    litecopy.connect(sys.argv[1]).backup(litecopy.connect(sys.argv[2]), sleep=60)
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as on POSIX")
def test_ctrl_c_ends_a_wait_at_once(app, tmp_path, sqlite3):
    writer = sqlite3.connect(app, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    process = subprocess.Popen([sys.executable, "-c", WAITS, app, tmp_path / "copy.db"], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begun\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    # Much less than the sleep; how much is for the bench to say.
    assert process.communicate(timeout=30)[0] == "stopped\n"
    assert not (tmp_path / "copy.db").exists()
