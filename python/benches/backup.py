"""Beside sqlite3's own `backup`, in one run: time, and how far another thread gets meanwhile.

python python/benches/backup.py [megabytes]
"""

import os
import sqlite3
import statistics
import sys
import tempfile
import threading
import time

import litecopy

MEGABYTES = int(sys.argv[1]) if len(sys.argv) > 1 else 100
ROUNDS = 5
PATIENCE = 20.0


def make(path, mode):
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA journal_mode = {mode}")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, pad)")
    connection.executemany("INSERT INTO t (pad) VALUES (?)", ((os.urandom(3900),) for _ in range(MEGABYTES * 256)))
    connection.commit()
    connection.close()


def theirs(source, target, pages):
    stop = time.monotonic() + PATIENCE

    def progress(*_):
        if time.monotonic() > stop:
            raise TimeoutError

    from_, to = sqlite3.connect(source), sqlite3.connect(target)
    try:
        from_.backup(to, pages=pages, progress=progress)
    finally:
        from_.close()
        to.close()


def ours(source, target, pages):
    litecopy.backup(source, target, pages=pages, deadline=PATIENCE)


def measured(copy, source, folder, pages):
    """Seconds, and another thread's ticks a second meanwhile; None for what did not end."""
    target = os.path.join(folder, "copy.db")
    for suffix in ("", "-wal", "-shm", "-journal"):
        if os.path.exists(target + suffix):
            os.remove(target + suffix)
    ticks, stop = [0], threading.Event()

    def tick():
        while not stop.is_set():
            ticks[0] += 1

    thread = threading.Thread(target=tick)
    begun = time.monotonic()
    thread.start()
    try:
        copy(source, target, pages)
        took = time.monotonic() - begun
    except (TimeoutError, sqlite3.OperationalError):
        took = None
    finally:
        stop.set()
        thread.join()
    return took, ticks[0] / (time.monotonic() - begun)


def writing(source, stop):
    connection = sqlite3.connect(source, timeout=30, isolation_level=None)
    number = 0
    while not stop.is_set():
        number += 1
        connection.execute("UPDATE t SET pad = randomblob(3900) WHERE id = ?", (number % 1000 + 1,))
        stop.wait(0.005)
    connection.close()


def show(name, found):
    times = [took for took, _ in found if took is not None]
    ticks = statistics.median(ticks for _, ticks in found)
    ended = f"{statistics.median(times):8.3f} s" if times else f"not in {PATIENCE:.0f} s"
    print(f"  {name:28} {ended:>14}   {ticks / 1e6:7.2f} million ticks/s   ended {len(times)} of {len(found)}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        for mode in ("delete", "wal"):
            source = os.path.join(folder, f"{mode}.db")
            make(source, mode)
            for company in (False, True):
                print(f"{MEGABYTES} MB, {mode}, {'a writer that never rests' if company else 'quiet'}")
                stop = threading.Event()
                writer = threading.Thread(target=writing, args=(source, stop))
                if company:
                    writer.start()
                rounds = 1 if company else ROUNDS
                for pages in (-1, 100):
                    # In turns, so that a slow moment of the machine meets both.
                    found = {"sqlite3": [], "litecopy": []}
                    for _ in range(rounds):
                        for name, copy in (("sqlite3", theirs), ("litecopy", ours)):
                            found[name].append(measured(copy, source, folder, pages))
                    for name, figures in found.items():
                        show(f"{name}, pages={pages}", figures)
                stop.set()
                if company:
                    writer.join()


if __name__ == "__main__":
    main()
