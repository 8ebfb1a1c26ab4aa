#!/bin/bash -eu
# Builds all fuzz targets, with their seeds and the dictionary, as OSS-Fuzz wants them in $OUT.
cd "$SRC/litecopy"
cargo fuzz build -O
for target in $(cargo fuzz list); do
    cp "fuzz/target/x86_64-unknown-linux-gnu/release/$target" "$OUT/"
    cp fuzz/sqlite.dict "$OUT/$target.dict"
    if [ -d "fuzz/seeds/$target" ]; then
        zip -jqr "$OUT/${target}_seed_corpus.zip" "fuzz/seeds/$target"
    fi
done
