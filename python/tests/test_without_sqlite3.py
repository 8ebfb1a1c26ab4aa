"""On an interpreter in which `import sqlite3` fails: everything but sqlite3's connections."""

import subprocess
import sys

WITHOUT = """
import sys
sys.modules["sqlite3"] = sys.modules["_sqlite3"] = None  # import sqlite3 fails from here on
try:
    import sqlite3
except ImportError:
    pass
else:
    raise SystemExit("sqlite3 is there")
import litecopy
app, copy = sys.argv[1:]
said = []
litecopy.connect(app).backup(litecopy.connect(copy), pages=1, progress=lambda *one: said.append(one))
assert said == [(0, 1, 2), (101, 0, 2)], said
memory = litecopy.connect(":memory:")
litecopy.connect(copy).backup(memory)
assert memory.serialize() == open(app, "rb").read()
for wrong, kind in ((lambda: litecopy.backup(app + ".missing", copy), litecopy.OperationalError),
                    (lambda: litecopy.connect(app).backup("path"), TypeError),
                    (lambda: litecopy.connect(app).backup(memory, name="nobody"), litecopy.OperationalError)):
    try:
        wrong()
    except kind as error:
        assert not any(base.__module__ == "sqlite3" for base in type(error).__mro__)
    else:
        raise SystemExit("no error")
assert issubclass(litecopy.OperationalError, litecopy.Error) and issubclass(litecopy.Error, Exception)
print("all well")
"""


def test_everything_but_connections(app, tmp_path):
    done = subprocess.run([sys.executable, "-c", WITHOUT, app, tmp_path / "copy.db"], capture_output=True, text=True)
    assert done.stdout == "all well\n", done.stderr
