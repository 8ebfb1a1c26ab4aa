//! Two databases that commit together, and how to see whether copies of them are of one transaction.

use std::path::{Path, PathBuf};

use litecopy::DatabaseSet;
use rusqlite::Connection;

use crate::content::integrity_check_of;
use crate::files::Folder;
use crate::peer::Peer;

const ROWS: u64 = 40;
/// What all accounts of both files hold together.
const MONEY: i64 = 2 * ROWS as i64 * 100;

/// Two files, in each a counter and accounts: every transaction counts in both and moves money from one to the other.
pub(crate) struct Pair {
    pub(crate) folder: Folder,
    pub(crate) main: PathBuf,
    pub(crate) aux: PathBuf,
}

impl Pair {
    pub(crate) fn new(modes: [&str; 2]) -> Self {
        let folder = Folder::new();
        let [main, aux] = ["main.db", "aux.db"].map(|name| folder.join(name));
        for (path, mode) in [&main, &aux].into_iter().zip(modes) {
            let connection = Connection::open(path).unwrap();
            let sql = format!(
                "PRAGMA page_size = 1024; PRAGMA journal_mode = {mode};
                 CREATE TABLE counter(n); INSERT INTO counter VALUES (0);
                 CREATE TABLE account(id INTEGER PRIMARY KEY, money, body);
                 WITH i(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM i WHERE n < {ROWS})
                 INSERT INTO account SELECT n, 100, zeroblob(700) FROM i;"
            );
            connection.execute_batch(&sql).unwrap();
            connection.close().unwrap();
        }
        Self { folder, main, aux }
    }

    /// The two as a set.
    pub(crate) fn set(&self) -> DatabaseSet {
        DatabaseSet::open(&self.main).unwrap().attach("aux", &self.aux).unwrap()
    }

    /// A process with both files in one connection, `w`.
    pub(crate) fn writer(&self, settings: &str) -> Peer {
        let mut peer = Peer::start();
        peer.open("w", &self.main).unwrap();
        peer.execute("w", &self.attach(settings)).unwrap();
        peer
    }

    /// What makes any connection to main one like that.
    pub(crate) fn attach(&self, settings: &str) -> String {
        format!("ATTACH '{}' AS aux; PRAGMA busy_timeout = 10000; {settings}", self.aux.display())
    }

    /// The number of the transaction that both files are of. Panics when they are not of one.
    #[track_caller]
    pub(crate) fn verify([main, aux]: [&Path; 2]) -> i64 {
        let [(main_count, main_money), (aux_count, aux_money)] = [main, aux].map(|path| {
            let connection = Connection::open(path).unwrap();
            assert_eq!(integrity_check_of(&connection), "'ok'");
            (number(&connection, COUNT), number(&connection, "SELECT sum(money) FROM account"))
        });
        assert_eq!(main_count, aux_count, "half a transaction: the counters of main and aux");
        assert_eq!(main_money + aux_money, MONEY, "half a transaction: the money of both");
        main_count
    }

    /// The numbers of the transactions that the files are of.
    pub(crate) fn counts(files: [&Path; 2]) -> [i64; 2] {
        files.map(|path| number(&Connection::open(path).unwrap(), COUNT))
    }
}

/// One more transaction over both.
pub(crate) const TRANSACTION: &str = "
    BEGIN IMMEDIATE;
    UPDATE main.counter SET n = n + 1;
    UPDATE aux.counter SET n = n + 1;
    UPDATE main.account SET money = money - 1, body = randomblob(700) WHERE id % 7 = (SELECT n % 7 FROM main.counter);
    UPDATE aux.account SET money = money + 1, body = randomblob(700) WHERE id % 7 = (SELECT n % 7 FROM main.counter);
    COMMIT;";

const COUNT: &str = "SELECT n FROM counter";

fn number(connection: &Connection, sql: &str) -> i64 {
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// The two copies in the folder of a set's copy.
pub(crate) fn in_folder(folder: &Path) -> [PathBuf; 2] {
    ["main.db", "aux.db"].map(|name| folder.join(name))
}
