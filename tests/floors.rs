//! The floors of the house, held by a test: rooms import downward, and sideways only where it is drawn; adapters are
//! written against the public API alone; `unsafe` lives in one room at most; some need no allocator.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A room of `src/`, its floor, and the rooms of its own floor that it may import.
const HOUSE: [(&str, u8, &[&str]); 20] = [
    ("opcode", 0, &[]),
    ("role", 0, &[]),
    ("close", 0, &[]),
    ("mask", 0, &[]),
    ("utf8", 0, &[]),
    ("entropy", 0, &[]),
    ("written", 0, &[]),
    ("frame", 1, &[]),
    ("message", 1, &[]),
    ("buffer", 1, &["frame"]),
    ("handshake", 1, &[]),
    ("deflate", 1, &["handshake"]),
    ("error", 2, &[]),
    ("broadcast", 2, &[]),
    ("connection", 2, &["error", "broadcast"]),
    ("keepalive", 2, &[]),
    ("adapter", ADAPTERS, &[]),
    ("blocking", ADAPTERS, &["adapter"]),
    ("tokio", ADAPTERS, &["adapter"]),
    ("futures", ADAPTERS, &["adapter"]),
];

/// Rooms on this floor see what a user of the crate sees: the re-exports of the root, and public rooms.
const ADAPTERS: u8 = 3;

/// Rooms that adapters may name, as they are public.
const PUBLIC: [&str; 6] = ["close", "frame", "handshake", "mask", "utf8", "deflate"];

/// Rooms that are there without any feature, and so name neither `alloc` nor `std`, but for what stands behind a feature.
const BARE: [&str; 6] = ["opcode", "role", "close", "mask", "utf8", "frame"];

/// The modules of the rooms above that a feature adds.
const BARE_BUT: [&str; 4] = ["close::body", "frame::whole", "mask::wide", "mask::copy::wide"];

/// The one room where `unsafe` may live.
const UNSAFE: &str = "mask";

#[test]
fn rooms_import_downward_and_sideways_only_where_it_is_drawn() {
    let mut wrong = Vec::new();
    for file in sources() {
        let (floor, drawn) = place(file.room());
        for (line, path) in file.imports() {
            let to = path[0].as_str();
            if to == file.room() {
                continue;
            }
            let allowed = match HOUSE.iter().find(|(room, ..)| *room == to) {
                Some((room, below, _)) if floor == ADAPTERS => {
                    drawn.contains(room) || (*below < ADAPTERS && PUBLIC.contains(room))
                }
                Some((room, below, _)) => *below < floor || drawn.contains(room),
                // Not a room: a re-export of the root.
                None => floor == ADAPTERS,
            };
            if !allowed {
                wrong.push(format!("{}:{line}: `{}` imports `{}`", file.path.display(), file.room(), path.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_is_in_the_table() {
    let rooms: BTreeSet<String> = sources().iter().map(|file| file.room().to_owned()).collect();
    let drawn: BTreeSet<String> = HOUSE.iter().map(|(room, ..)| (*room).to_owned()).collect();
    let missing: Vec<_> = rooms.difference(&drawn).collect();
    assert!(missing.is_empty(), "rooms without a floor: {missing:?}");
    assert!(rooms.len() >= 13, "{rooms:?}");
    // Nothing stands outside of the rooms but the root, and that has only its declarations.
    let root = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    for word in ["fn ", "struct ", "enum ", "impl ", "trait "] {
        let code = root.lines().filter(|line| !line.trim_start().starts_with("//"));
        assert!(code.clone().all(|line| !line.trim_start().starts_with(word)), "`{word}` in the root");
    }
}

#[test]
fn there_is_no_unsafe_outside_of_one_room() {
    for file in sources().iter().filter(|file| file.room() != UNSAFE) {
        for (line, code) in &file.code {
            assert!(words(code).all(|word| word != "unsafe"), "{}:{line}: {code}", file.path.display());
        }
    }
}

#[test]
fn rooms_that_need_no_allocator_name_neither_alloc_nor_std() {
    let (but, bare): (Vec<_>, Vec<_>) = sources()
        .into_iter()
        .filter(|file| BARE.contains(&file.room()))
        .partition(|file| BARE_BUT.contains(&&*file.module.join("::")));
    for file in &bare {
        for (line, code) in &file.code {
            // A feature's name stands in quotes.
            let named = code.replace("\"alloc\"", "").replace("\"std\"", "");
            let named = words(&named).find(|word| matches!(*word, "alloc" | "std"));
            assert_eq!(named, None, "{}:{line}: {code}", file.path.display());
        }
        // Nor what only the engine has.
        for (line, path) in file.imports() {
            let to = path[0].as_str();
            assert!(BARE.contains(&to), "{}:{line}: imports `{}`", file.path.display(), path.join("::"));
        }
    }
    assert!(bare.len() >= BARE.len());
    assert_eq!(but.len(), BARE_BUT.len());
    // All else stands behind a feature.
    let root = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let lines: Vec<&str> = root.lines().collect();
    for (before, line) in lines.iter().zip(&lines[1..]) {
        let Some(room) = line.strip_suffix(';').and_then(|line| line.split("mod ").nth(1)) else { continue };
        let gated = before.trim_start().starts_with("#[cfg(");
        assert_eq!(gated, !BARE.contains(&room), "{line}");
    }
}

#[test]
fn the_house_has_no_circles() {
    // Where a room stands above what it imports there can be none; on one floor the drawn imports must have none.
    let mut below: BTreeMap<&str, usize> = BTreeMap::new();
    for _ in 0..HOUSE.len() {
        for (room, _, drawn) in HOUSE {
            let height = drawn.iter().map(|other| below.get(other).copied().unwrap_or(0) + 1).max().unwrap_or(0);
            below.insert(room, height);
        }
    }
    assert!(below.values().all(|height| *height < HOUSE.len()), "{below:?}");
}

#[test]
fn the_reader_of_imports_sees_through_braces_and_super() {
    let file = Source::new(
        "connection/receive.rs".into(),
        "//! Text: crate::handshake.\n\
         use core::ops::Range;\n\
         use super::{Connection, closing::{State, Duty}};\n\
         use crate::{\n    Config as C,\n    frame::{self, Header}, // crate::deflate\n};\n\
         mod inner {\n    use super::Found;\n}\n\
         fn f() { let url = \"https://x\"; let x: crate::utf8::InvalidUtf8; super::super::mask::Mask::new() }\n\
         #[cfg(test)]\nmod tests {\n    use crate::handshake::Nothing;\n}\n",
    );
    let paths: Vec<_> = file.imports().into_iter().map(|(_, path)| path.join("::")).collect();
    let expected = [
        "connection::Connection",
        "connection::closing::State",
        "connection::closing::Duty",
        "Config",
        "frame::self",
        "frame::Header",
        "connection::receive::Found",
        "utf8::InvalidUtf8",
        "mask::Mask::new",
    ];
    assert_eq!(paths, expected);
}

/// A file of `src/`, without its comments and its tests.
struct Source {
    /// Below `src/`.
    path: PathBuf,
    /// The modules from the root to this one.
    module: Vec<String>,
    /// Lines of code with their numbers.
    code: Vec<(usize, String)>,
}

impl Source {
    fn new(path: PathBuf, text: &str) -> Self {
        let mut module: Vec<String> =
            path.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        module.pop_if(|last| last == "mod");
        let mut code = Vec::new();
        let lines: Vec<&str> = text.lines().collect();
        for (i, line) in lines.iter().enumerate() {
            // Unit tests stand at the end.
            let tests = lines.get(i + 1).is_some_and(|next| next.trim_start().starts_with("mod tests"));
            if line.trim() == "#[cfg(test)]" && tests {
                break;
            }
            code.push((i + 1, without_comment(line).to_owned()));
        }
        Self { path, module, code }
    }

    fn room(&self) -> &str {
        &self.module[0]
    }

    /// Every path that begins with `crate::` or `super::`, from the root, with the line where it begins.
    fn imports(&self) -> Vec<(usize, Vec<String>)> {
        let mut tokens = self.code.iter().flat_map(|(line, code)| tokens(code).map(|token| (*line, token))).peekable();
        let mut before = String::new();
        let mut found = Vec::new();
        // The module that the line is in, and how deep in braces the inline ones of it begin.
        let (mut module, mut inline, mut depth) = (self.module.clone(), Vec::new(), 0);
        while let Some((line, token)) = tokens.next() {
            match token.as_str() {
                "{" => depth += 1,
                "}" => {
                    depth -= 1;
                    if inline.pop_if(|begun| *begun == depth).is_some() {
                        module.pop();
                    }
                }
                "mod" => {
                    let name = tokens.next().map_or(String::new(), |(_, name)| name);
                    if tokens.peek().is_some_and(|(_, next)| next == "{") {
                        module.push(name);
                        inline.push(depth);
                    }
                }
                _ => {}
            }
            let begins =
                matches!(token.as_str(), "crate" | "super") && before != "(" && before != "$" && before != "::";
            if begins && tokens.peek().is_some_and(|(_, next)| next == "::") {
                let mut path = if token == "crate" { vec![] } else { module[..module.len() - 1].to_vec() };
                tokens.next();
                while tokens.next_if(|(_, next)| next == "super").is_some() {
                    path.pop();
                    tokens.next();
                }
                tree(&mut tokens, path, line, &mut found);
            }
            before = token;
        }
        found
    }
}

/// Reads the rest of a path, or of a tree of paths in braces, behind a `::`.
fn tree(
    tokens: &mut std::iter::Peekable<impl Iterator<Item = (usize, String)>>,
    mut path: Vec<String>,
    line: usize,
    found: &mut Vec<(usize, Vec<String>)>,
) {
    if tokens.next_if(|(_, token)| token == "{").is_some() {
        while tokens.peek().is_some_and(|(_, token)| token != "}") {
            tree(tokens, path.clone(), line, found);
            // What is between this path and the next: `as other`, a comma.
            while tokens.next_if(|(_, token)| token != "}" && token != ",").is_some() {}
            tokens.next_if(|(_, token)| token == ",");
        }
        tokens.next();
        return;
    }
    let Some((_, name)) = tokens.next() else { return };
    path.push(name);
    if tokens.next_if(|(_, token)| token == "::").is_some() {
        return tree(tokens, path, line, found);
    }
    found.push((line, path));
}

/// Names, `::`, and single signs.
fn tokens(code: &str) -> impl Iterator<Item = String> + '_ {
    let mut rest = code;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let name = rest.find(|sign: char| !sign.is_alphanumeric() && sign != '_').unwrap_or(rest.len());
        let size = match name {
            0 if rest.starts_with("::") => 2,
            0 => rest.chars().next()?.len_utf8(),
            name => name,
        };
        let (token, left) = rest.split_at(size);
        rest = left;
        Some(token.to_owned())
    })
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|sign: char| !sign.is_alphanumeric() && sign != '_')
}

/// The line up to a `//` that does not stand inside a string.
fn without_comment(line: &str) -> &str {
    let slashes = line.match_indices("//").find(|(at, _)| line[..*at].matches('"').count().is_multiple_of(2));
    slashes.map_or(line, |(at, _)| &line[..at])
}

fn place(room: &str) -> (u8, &'static [&'static str]) {
    let (_, floor, drawn) = HOUSE.iter().find(|(name, ..)| *name == room).unwrap_or_else(|| panic!("no floor: {room}"));
    (*floor, drawn)
}

/// Every file of `src/` but the root and the unit tests in files of their own.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut files) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                if path.file_name().is_none_or(|name| name != "tests") {
                    folders.push(path);
                }
                continue;
            }
            let below = path.strip_prefix(&root).unwrap().to_owned();
            let name = below.file_name().unwrap();
            if below.extension().is_some_and(|end| end == "rs") && below != Path::new("lib.rs") && name != "tests.rs" {
                files.push(Source::new(below, &fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files
}
