"""The two examples of the standard library's documentation of `backup`, word for word but for the import."""

import os

import pytest

import litecopy as sqlite3


@pytest.fixture(autouse=True)
def example_db(app, tmp_path, monkeypatch):
    os.rename(app, tmp_path / "example.db")
    monkeypatch.chdir(tmp_path)


def test_into_another_file(keys, capsys):
    def progress(status, remaining, total):
        print(f'Copied {total-remaining} of {total} pages...')

    src = sqlite3.connect('example.db')
    dst = sqlite3.connect('backup.db')
    with dst:
        src.backup(dst, pages=1, progress=progress)
    dst.close()
    src.close()

    assert capsys.readouterr().out == "Copied 1 of 2 pages...\nCopied 2 of 2 pages...\n"
    assert keys("backup.db") == [3, 4]


def test_into_memory():
    src = sqlite3.connect('example.db')
    dst = sqlite3.connect(':memory:')
    src.backup(dst)
    assert dst.serialize() == open("example.db", "rb").read()
    dst.close()
    src.close()
