//! Databases modelled on well-known programs: the shape of their schemas, rewritten, with made-up rows.

/// The name of each, and the SQL that makes it.
pub(crate) fn programs() -> Vec<(&'static str, &'static str)> {
    vec![
        ("a browser's history", HISTORY),
        ("a browser's cookies", COOKIES),
        ("a browser's bookmarks", PLACES),
        ("a chat", CHAT),
        ("a photo library", PHOTOS),
        ("a notes program", NOTES),
        ("a mail index", MAIL),
        ("map tiles", TILES),
        ("a home's states", STATES),
        ("a password store", VAULT),
        ("a music library", MUSIC),
        ("a key-value store", KEY_VALUE),
        ("a calendar", CALENDAR),
    ]
}

const HISTORY: &str = "
CREATE TABLE meta(key LONGVARCHAR NOT NULL UNIQUE PRIMARY KEY, value LONGVARCHAR);
CREATE TABLE urls(id INTEGER PRIMARY KEY AUTOINCREMENT, url LONGVARCHAR, title LONGVARCHAR, visit_count INTEGER DEFAULT 0 NOT NULL,
  typed_count INTEGER DEFAULT 0 NOT NULL, last_visit_time INTEGER NOT NULL, hidden INTEGER DEFAULT 0 NOT NULL);
CREATE TABLE visits(id INTEGER PRIMARY KEY AUTOINCREMENT, url INTEGER NOT NULL, visit_time INTEGER NOT NULL, from_visit INTEGER,
  transition INTEGER DEFAULT 0 NOT NULL, segment_id INTEGER, visit_duration INTEGER DEFAULT 0 NOT NULL);
CREATE TABLE keyword_search_terms(keyword_id INTEGER NOT NULL, url_id INTEGER NOT NULL, term LONGVARCHAR NOT NULL);
CREATE INDEX urls_url_index ON urls(url);
CREATE INDEX visits_time_index ON visits(visit_time);
INSERT INTO meta VALUES ('version', '60'), ('mmap_status', '-1');
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
  INSERT INTO urls(url, title, visit_count, last_visit_time) SELECT 'https://example.org/' || i || '?q=' || hex(randomblob(i % 40)),
  CASE i % 5 WHEN 0 THEN NULL ELSE 'Title ' || i END, i % 7, 13300000000000000 + i FROM n;
INSERT INTO visits(url, visit_time, from_visit) SELECT id, last_visit_time, nullif(id % 3, 0) FROM urls;
INSERT INTO keyword_search_terms SELECT 2, id, 'term ' || id FROM urls WHERE id % 4 = 0;
DELETE FROM urls WHERE id % 11 = 0;
ALTER TABLE visits ADD COLUMN incremented_omnibox_typed_score BOOLEAN DEFAULT FALSE NOT NULL;
ALTER TABLE visits ADD COLUMN originator_cache_guid TEXT DEFAULT '' NOT NULL;
INSERT INTO visits(url, visit_time, originator_cache_guid) VALUES (1, 2, 'guid');";

const COOKIES: &str = "
CREATE TABLE cookies(creation_utc INTEGER NOT NULL, host_key TEXT NOT NULL, top_frame_site_key TEXT NOT NULL, name TEXT NOT NULL,
  value TEXT NOT NULL, encrypted_value BLOB NOT NULL, path TEXT NOT NULL, expires_utc INTEGER NOT NULL, is_secure INTEGER NOT NULL,
  priority INTEGER NOT NULL DEFAULT 1, samesite INTEGER NOT NULL DEFAULT -1);
CREATE UNIQUE INDEX cookies_unique_index ON cookies(host_key, top_frame_site_key, name, path);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
  INSERT INTO cookies SELECT i * 1000000, '.site' || i % 40 || '.example', '', 'c' || i, '', x'763130' || randomblob(30 + i % 400), '/',
  i * 2000000, i % 2, 1, i % 3 - 1 FROM n;";

const PLACES: &str = "
CREATE TABLE moz_origins(id INTEGER PRIMARY KEY, prefix TEXT NOT NULL, host TEXT NOT NULL, frecency INTEGER NOT NULL, UNIQUE (prefix, host));
CREATE TABLE moz_places(id INTEGER PRIMARY KEY, url LONGVARCHAR, title LONGVARCHAR, rev_host LONGVARCHAR, visit_count INTEGER DEFAULT 0,
  guid TEXT, foreign_count INTEGER DEFAULT 0 NOT NULL, url_hash INTEGER DEFAULT 0 NOT NULL, origin_id INTEGER REFERENCES moz_origins(id));
CREATE TABLE moz_keywords(id INTEGER PRIMARY KEY AUTOINCREMENT, keyword TEXT UNIQUE, place_id INTEGER, post_data TEXT);
CREATE UNIQUE INDEX moz_places_guid ON moz_places(guid);
CREATE INDEX moz_places_hash ON moz_places(url_hash);
CREATE TRIGGER moz_places_delete AFTER DELETE ON moz_places BEGIN DELETE FROM moz_keywords WHERE place_id = old.id; END;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
  INSERT INTO moz_origins SELECT i, CASE i % 2 WHEN 0 THEN 'https://' ELSE 'http://' END, 'h' || i, i * 100 FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
  INSERT INTO moz_places SELECT i, 'https://h/' || i, 'Ž ' || i, 'gro.' || i, i % 3, 'guid' || i, 0, abs(random()), i % 50 + 1 FROM n;
INSERT INTO moz_keywords(keyword, place_id) SELECT 'k' || id, id FROM moz_places WHERE id < 30;
PRAGMA foreign_keys = OFF; DELETE FROM moz_places WHERE id BETWEEN 10 AND 15;";

const CHAT: &str = "
CREATE TABLE chat(_id INTEGER PRIMARY KEY AUTOINCREMENT, jid_row_id INTEGER UNIQUE, hidden INTEGER, subject TEXT, sort_timestamp INTEGER);
CREATE TABLE message(_id INTEGER PRIMARY KEY AUTOINCREMENT, chat_row_id INTEGER NOT NULL, from_me INTEGER NOT NULL, key_id TEXT NOT NULL,
  status INTEGER, timestamp INTEGER, received REAL, text_data TEXT, media BLOB);
CREATE UNIQUE INDEX message_key_index ON message(chat_row_id, from_me, key_id);
CREATE VIRTUAL TABLE message_fts USING fts5(text_data, content='message', content_rowid='_id');
CREATE TRIGGER message_ai AFTER INSERT ON message BEGIN INSERT INTO message_fts(rowid, text_data) VALUES (new._id, new.text_data); END;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20) INSERT INTO chat SELECT i, i + 100, 0, 'Chat 💬 ' || i, i FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
  INSERT INTO message(chat_row_id, from_me, key_id, status, timestamp, received, text_data, media)
  SELECT i % 20 + 1, i % 2, hex(randomblob(10)), 13, 1600000000000 + i, 1600000000 + i / 4, 'hello 👋 number ' || i, CASE i % 10 WHEN 0 THEN randomblob(9000) END FROM n;";

const PHOTOS: &str = "
CREATE TABLE folders(id INTEGER PRIMARY KEY, parent INTEGER, relative_path TEXT COLLATE NOCASE NOT NULL, UNIQUE (parent, relative_path));
CREATE TABLE images(id INTEGER PRIMARY KEY, folder INTEGER NOT NULL REFERENCES folders(id), name TEXT NOT NULL, taken REAL, rating INT CHECK (rating BETWEEN 0 AND 5),
  width INT, height INT, megapixels REAL GENERATED ALWAYS AS (width * height / 1e6) STORED, ratio AS (width * 1.0 / height), exif TEXT, thumbnail BLOB, UNIQUE (folder, name));
CREATE TABLE tags(image INTEGER, tag TEXT, PRIMARY KEY (tag, image)) WITHOUT ROWID;
CREATE VIRTUAL TABLE positions USING rtree(id, lat0, lat1, lon0, lon1);
CREATE INDEX images_taken ON images(date(taken, 'unixepoch')) WHERE rating > 3;
INSERT INTO folders VALUES (1, NULL, '/'), (2, 1, '2024'), (3, 1, '2025');
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
  INSERT INTO images(folder, name, taken, rating, width, height, exif, thumbnail) SELECT i % 3 + 1, 'IMG_' || i || '.jpg', 1700000000 + i * 10, i % 6, 4000, 3000 - i,
  '{\"iso\":' || i || '}', randomblob(2000 + i * 20) FROM n;
INSERT INTO tags SELECT id, 'tag ' || id % 9 FROM images;
INSERT INTO positions SELECT id, id / 10.0, id / 10.0, -id / 7.0, -id / 7.0 FROM images;";

const NOTES: &str = "
CREATE TABLE notes(id TEXT PRIMARY KEY, parent_id TEXT NOT NULL DEFAULT '', title TEXT NOT NULL DEFAULT '', body TEXT NOT NULL DEFAULT '', created_time INT NOT NULL,
  latitude NUMERIC NOT NULL DEFAULT 0, is_todo INT NOT NULL DEFAULT 0, `order` NUMERIC NOT NULL DEFAULT 0);
CREATE TABLE settings(`key` TEXT PRIMARY KEY, `value` TEXT);
CREATE VIRTUAL TABLE notes_fts USING fts4(content='notes', notindexed='id', id, title, body);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150)
  INSERT INTO notes(id, title, body, created_time, latitude, `order`) SELECT lower(hex(randomblob(16))), 'Note ' || i,
  '# Heading' || char(10) || hex(randomblob(i * 10)), i * 1000, i / 3.0, i * 1.0 FROM n;
INSERT INTO settings VALUES ('locale', '\"en_GB\"'), ('sync.target', '0');
INSERT INTO notes_fts(docid, id, title, body) SELECT rowid, id, title, body FROM notes;
ALTER TABLE notes ADD COLUMN master_key_id TEXT NOT NULL DEFAULT \"\";
ALTER TABLE notes ADD COLUMN deleted_time INT NOT NULL DEFAULT 0;";

const MAIL: &str = "
CREATE TABLE folderLocations(id INTEGER PRIMARY KEY, folderURI TEXT NOT NULL, dirtyStatus INTEGER NOT NULL, name TEXT NOT NULL);
CREATE TABLE messages(id INTEGER PRIMARY KEY, folderID INTEGER, messageKey INTEGER, conversationID INTEGER NOT NULL, date INTEGER, headerMessageID TEXT,
  deleted INTEGER NOT NULL DEFAULT 0, jsonAttributes TEXT, notability INTEGER NOT NULL DEFAULT 0);
CREATE TABLE messageAttributes(conversationID INTEGER NOT NULL, messageID INTEGER NOT NULL, attributeID INTEGER NOT NULL, value NUMERIC);
CREATE VIRTUAL TABLE messagesText USING fts5(body, subject, author, detail = none, content = '');
CREATE INDEX messagesHeader ON messages(headerMessageID, deleted);
INSERT INTO folderLocations VALUES (1, 'mailbox://x', 0, 'Inbox');
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
  INSERT INTO messages(folderID, messageKey, conversationID, date, headerMessageID, jsonAttributes) SELECT 1, i, i % 50, i * 1000000, '<' || i || '@x>', json_object('a', i) FROM n;
INSERT INTO messageAttributes SELECT conversationID, id, id % 9, CASE id % 3 WHEN 0 THEN 'text' WHEN 1 THEN id ELSE id / 2.0 END FROM messages;
INSERT INTO messagesText(rowid, body, subject, author) SELECT id, 'body of ' || id, 'subject', 'me' FROM messages;";

const TILES: &str = "
CREATE TABLE metadata(name text, value text);
CREATE TABLE map(zoom_level integer, tile_column integer, tile_row integer, tile_id text);
CREATE TABLE images(tile_data blob, tile_id text);
CREATE UNIQUE INDEX map_index ON map(zoom_level, tile_column, tile_row);
CREATE UNIQUE INDEX images_id ON images(tile_id);
CREATE VIEW tiles AS SELECT zoom_level, tile_column, tile_row, tile_data FROM map JOIN images USING (tile_id);
INSERT INTO metadata VALUES ('name', 'World'), ('format', 'pbf'), ('bounds', '-180,-85,180,85');
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 255) INSERT INTO map SELECT 4, i / 16, i % 16, 'tile-' || i FROM n;
INSERT INTO images SELECT randomblob(100 + tile_column * tile_row * 90), tile_id FROM map;";

const STATES: &str = "
CREATE TABLE states_meta(metadata_id INTEGER NOT NULL, entity_id VARCHAR(255), PRIMARY KEY (metadata_id));
CREATE TABLE states(state_id INTEGER NOT NULL, entity_id CHAR(0), state VARCHAR(255), attributes CHAR(0), last_changed_ts FLOAT, last_updated_ts FLOAT,
  old_state_id INTEGER, context_id_bin BLOB, metadata_id INTEGER, PRIMARY KEY (state_id), FOREIGN KEY(old_state_id) REFERENCES states (state_id));
CREATE INDEX ix_states_metadata ON states (metadata_id, last_updated_ts);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) INSERT INTO states_meta SELECT i, 'sensor.s' || i FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
  INSERT INTO states SELECT i, NULL, CASE i % 7 WHEN 0 THEN 'unavailable' ELSE i / 10.0 END, NULL, CASE i % 3 WHEN 0 THEN 1700000000 + i END, 1700000000.5 + i, nullif(i - 1, 0), randomblob(16), i % 40 + 1 FROM n;
PRAGMA foreign_keys = OFF; DELETE FROM states WHERE state_id % 5 = 0;";

const VAULT: &str = "
CREATE TABLE users(uuid TEXT NOT NULL PRIMARY KEY, created_at DATETIME NOT NULL, email TEXT NOT NULL UNIQUE, password_hash BLOB NOT NULL, iterations INTEGER NOT NULL, totp TEXT);
CREATE TABLE ciphers(uuid TEXT NOT NULL PRIMARY KEY, created_at DATETIME NOT NULL, user_uuid TEXT REFERENCES users(uuid), atype INTEGER NOT NULL, name TEXT NOT NULL, data TEXT NOT NULL, favorite BOOLEAN NOT NULL DEFAULT 0);
CREATE TABLE folders_ciphers(cipher_uuid TEXT NOT NULL REFERENCES ciphers (uuid), folder_uuid TEXT NOT NULL, PRIMARY KEY (cipher_uuid, folder_uuid));
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) INSERT INTO users SELECT hex(randomblob(16)), datetime('now'), 'u' || i || '@x', randomblob(32), 100000, NULL FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO ciphers SELECT hex(randomblob(16)), datetime('now'), (SELECT uuid FROM users LIMIT 1), 1, '2.' || hex(randomblob(30)), hex(randomblob(200)), i % 2 FROM n;
INSERT INTO folders_ciphers SELECT uuid, 'f' FROM ciphers;";

const MUSIC: &str = "
CREATE TABLE artists(id INTEGER PRIMARY KEY, name TEXT UNIQUE COLLATE NOCASE);
CREATE TABLE tracks(id INTEGER PRIMARY KEY AUTOINCREMENT, artist INTEGER REFERENCES artists(id) ON DELETE SET NULL, title NVARCHAR(160) NOT NULL, seconds NUMERIC(10,2), price REAL NOT NULL DEFAULT 0.99, plays UNSIGNED BIG INT DEFAULT 0);
CREATE TABLE playlists(list INTEGER NOT NULL, position INTEGER NOT NULL, track INTEGER, PRIMARY KEY (list, position DESC)) WITHOUT ROWID;
CREATE VIEW top AS SELECT title FROM tracks ORDER BY plays DESC LIMIT 10;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) INSERT INTO artists SELECT i, 'Ärtist ' || i FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) INSERT INTO tracks(artist, title, seconds, price, plays) SELECT i % 60 + 1, 'Song ' || i, i * 1.25, i % 3, i FROM n;
INSERT INTO playlists SELECT id % 5, id, id FROM tracks;
DELETE FROM playlists WHERE position % 3 = 0;";

const KEY_VALUE: &str = "
CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB);
CREATE TABLE kv(ns INT NOT NULL, k BLOB NOT NULL, v ANY, expires REAL, PRIMARY KEY (ns, k)) STRICT, WITHOUT ROWID;
CREATE INDEX kv_expires ON kv(expires) WHERE expires IS NOT NULL;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO kv SELECT i % 4, randomblob(8), CASE i % 4 WHEN 0 THEN i WHEN 1 THEN 'v' || i WHEN 2 THEN randomblob(i * 10) ELSE i / 8.0 END, nullif(i % 2, 0) FROM n;
INSERT INTO ItemTable SELECT hex(k), v FROM kv;
INSERT INTO ItemTable SELECT key, 'replaced' FROM ItemTable LIMIT 50;";

const CALENDAR: &str = "
CREATE TABLE cal_events (cal_id TEXT, id TEXT, time_created INTEGER, title TEXT, priority INTEGER, event_start INTEGER, event_end INTEGER, flags INTEGER, recurrence_id INTEGER, alarm_last_ack INTEGER, offline_journal INTEGER);
CREATE TABLE cal_properties (item_id TEXT, key TEXT, value BLOB, recurrence_id INTEGER, cal_id TEXT);
CREATE INDEX idx_cal_properies_item_id ON cal_properties(cal_id, item_id);
CREATE TRIGGER cal_events_gone BEFORE DELETE ON cal_events BEGIN DELETE FROM cal_properties WHERE item_id = old.id; END;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) INSERT INTO cal_events SELECT 'c1', 'e' || i, i, 'Event ' || i, NULL, i * 3600, i * 3600 + 1800, 0, NULL, NULL, NULL FROM n;
INSERT INTO cal_properties SELECT id, 'X-DESCRIPTION', CASE WHEN event_start % 7200 THEN 'text of ' || title ELSE CAST(title AS BLOB) END, NULL, cal_id FROM cal_events;
DELETE FROM cal_events WHERE event_start % 36000 = 0;";
