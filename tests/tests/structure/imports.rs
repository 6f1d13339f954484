//! Which module of a crate imports from which, read from its sources, and the circles in that.
//!
//! A folder's own module file and the files in it may import from each other. What else stands side by side, be it files
//! or (where that is asked for) folders, may not do so in a circle. The root of the crate stands above all: nothing may import what is
//! written there, only what it hands on. Code of tests does not count.

use std::collections::{BTreeMap, BTreeSet};

/// A module, or something in it: the names that lead there.
type Path = Vec<String>;

/// The modules of a crate, by the names that lead there from its root.
type Modules = BTreeMap<Path, Source>;

struct Source {
    /// Where it is, below `src`.
    file: String,
    words: Vec<String>,
    /// The paths it names. Those of a `use` come with the name that others can reach them by.
    paths: Vec<(Option<String>, Path)>,
}

/// What may not import in a circle.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grain {
    /// Files, unless one is the module file of the folder that the other is in.
    Files,
    /// Files and folders that stand side by side.
    Folders,
}

/// A circle of imports in a crate, if there is one: which files import from which. `read` returns files below `src`.
pub(crate) fn circle(grain: Grain, read: impl Fn(&str) -> Option<String>) -> Option<String> {
    let modules = modules(read);
    let mut units: BTreeMap<&[String], BTreeMap<&[String], String>> = BTreeMap::new();
    for (from, source) in &modules {
        for (_, path) in &source.paths {
            let target = absolute(&modules, from, path).map(|path| home(&modules, path));
            let Some((to, target)) = target.and_then(|to| modules.get_key_value(&to)) else {
                continue; // Not of this crate.
            };
            let shared = from.iter().zip(to).take_while(|(a, b)| a == b).count();
            let own_folder = shared > 0 && (shared == from.len() || shared == to.len());
            if own_folder || from == to {
                continue;
            }
            let [from, to] = [from, to].map(|path| match grain {
                Grain::Files => path.as_slice(),
                Grain::Folders => &path[..path.len().min(shared + 1)],
            });
            let import = format!("{} -> {}", source.file, target.file);
            units.entry(from).or_default().entry(to).or_insert(import);
        }
    }
    // What imports only from what is in no circle is in none itself.
    let mut before = 0;
    while before != units.len() {
        before = units.len();
        let left: BTreeSet<_> = units.keys().copied().collect();
        for imports in units.values_mut() {
            imports.retain(|to, _| left.contains(to));
        }
        units.retain(|_, imports| !imports.is_empty());
    }
    // All that is left leads into a circle.
    let (mut passed, mut imports) = (Vec::new(), Vec::new());
    let mut unit = *units.keys().next()?;
    while !passed.contains(&unit) {
        passed.push(unit);
        let (to, import) = units[unit].first_key_value()?;
        imports.push(import.as_str());
        unit = to;
    }
    let begin = passed.iter().position(|other| *other == unit)?;
    Some(imports[begin..].join(", "))
}

fn modules(read: impl Fn(&str) -> Option<String>) -> Modules {
    let mut modules = Modules::new();
    let mut declared = vec![Path::new()];
    while let Some(module) = declared.pop() {
        let name = if module.is_empty() {
            "lib".to_owned()
        } else {
            module.join("/")
        };
        let files = [format!("{name}.rs"), format!("{name}/mod.rs")];
        let found = files
            .into_iter()
            .find_map(|file| Some((read(&file)?, file)));
        let (text, file) = found.unwrap_or_else(|| panic!("no file for the module {name}"));
        let words = words(&text);
        for declaration in words.windows(3) {
            if declaration[0] == "mod" && declaration[2] == ";" {
                declared.push([&module[..], &declaration[1..2]].concat());
            }
        }
        let mut paths = paths(&words);
        // A name is looked for behind a `*` only when nothing else tells where it is.
        paths.sort_by_key(|(name, _)| name.as_deref() == Some("*"));
        modules.insert(module, Source { file, words, paths });
    }
    modules
}

/// A path that a module names, from the root; `None` when it does not begin with a module of the crate.
fn absolute(modules: &Modules, module: &[String], path: &[String]) -> Option<Path> {
    let mut whole = module.to_vec();
    for (index, name) in path.iter().enumerate() {
        match name.as_str() {
            "crate" => whole.clear(),
            "super" => drop(whole.pop()),
            "self" => {}
            _ => whole.push(name.clone()),
        }
        let begins = ["crate", "super", "self"].contains(&name.as_str());
        if index == 0 && !begins && !modules.contains_key(&whole) {
            return None;
        }
    }
    Some(whole)
}

/// The module where that is which a path names, be it that other modules hand it on.
fn home(modules: &Modules, mut path: Path) -> Path {
    const KINDS: [&str; 7] = ["struct", "enum", "trait", "fn", "const", "static", "type"];
    const MOST_HANDS: usize = 20;
    for _ in 0..MOST_HANDS {
        let is_module = |length: &usize| modules.contains_key(&path[..*length]);
        let length = (0..=path.len()).rev().find(is_module).unwrap_or(0);
        let (module, rest) = path.split_at(length);
        let source = &modules[module];
        let Some(name) = rest.first().filter(|name| *name != "*") else {
            return module.to_vec();
        };
        let mut pairs = source.words.windows(2);
        let is_here = pairs.any(|pair| KINDS.contains(&pair[0].as_str()) && pair[1] == *name);
        let next = source.paths.iter().find_map(|(known_as, target)| {
            let all = known_as.as_deref() == Some("*") && !is_here;
            if !all && known_as.as_ref() != Some(name) {
                return None;
            }
            let target = absolute(modules, module, target)?;
            let Some(whole) = target.strip_suffix(&["*".to_owned()]) else {
                return Some([&target, &rest[1..]].concat());
            };
            let is_there = modules.get(whole)?.words.contains(name);
            is_there.then(|| [whole, rest].concat())
        });
        let Some(next) = next else {
            return module.to_vec();
        };
        path = next;
    }
    panic!("{path:?} is handed on without an end")
}

/// The paths in the words of a source.
fn paths(words: &[String]) -> Vec<(Option<String>, Path)> {
    let word = |at: usize| words.get(at).map_or(";", String::as_str);
    let is_name = |at: usize| word(at).starts_with(|c: char| c.is_alphabetic() || c == '_');
    let mut paths = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let begins = at == 0 || ["pub", ")", "]", ";", "{", "}"].contains(&word(at - 1));
        if word(at) == "use" && begins {
            // In `a::{b, c::d as e};` a path ends where something follows the last brace that was opened.
            let (mut groups, mut path, mut name) = (vec![Path::new()], Path::new(), None);
            while word(at) != ";" {
                at += 1;
                match word(at) {
                    "::" | "as" => {}
                    "{" => groups.push(path.clone()),
                    sign @ ("," | "}" | ";") => {
                        if groups.last().is_some_and(|group| group.len() < path.len()) {
                            paths.push((name.take(), path));
                        }
                        groups.truncate(groups.len() - usize::from(sign == "}"));
                        path = groups.last().cloned().unwrap_or_default();
                    }
                    word if words[at - 1] == "as" => name = Some(word.to_owned()),
                    word => {
                        path.push(word.to_owned());
                        name = path.iter().rfind(|name| *name != "self").cloned();
                    }
                }
            }
        } else if is_name(at) && word(at + 1) == "::" {
            let begin = at;
            while word(at + 1) == "::" && is_name(at + 2) {
                at += 2;
            }
            let path = words[begin..=at].iter().step_by(2).cloned().collect();
            paths.push((None, path));
        }
        at += 1;
    }
    paths
}

/// The words and signs of a source as rustfmt sets it, without comments and what is for tests only.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let code = line.trim_start();
        if code == "#[cfg(test)]" {
            // What it is about ends in one line, or with the next brace as far to the left.
            let end = format!("{}}}", &line[..line.len() - code.len()]);
            let first = lines.find(|line| !line.trim_start().starts_with(['#', '/']));
            if first.is_some_and(|line| !line.ends_with([';', ',', '}'])) {
                lines.find(|line| line.starts_with(&end));
            }
            continue;
        }
        let mut rest = code.split(" //").next().unwrap_or_default();
        while let Some(first) = rest.chars().next().filter(|_| !rest.starts_with("//")) {
            let sign = if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            let name = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            let (word, behind) = rest.split_at(name.unwrap_or(rest.len()).max(sign));
            words.push(word.to_owned());
            rest = behind.trim_start();
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Grain;

    fn circle<const N: usize>(grain: Grain, files: [(&str, &str); N]) -> Option<String> {
        let files = BTreeMap::from(files);
        super::circle(grain, |file| files.get(file).map(|text| (*text).to_owned()))
    }

    #[test]
    fn a_circle_is_found_through_whatever_hands_on() {
        let found = circle(
            Grain::Folders,
            [
                ("lib.rs", "mod a;\npub mod b;\nmod c;\npub use a::A;"),
                (
                    "a.rs",
                    "use std::fmt;\nuse crate::{b::{self, deep as d}, c};",
                ),
                ("b/mod.rs", "mod deep;\npub use deep::*;"),
                ("b/deep.rs", "pub struct Deep(crate::A);"),
                ("c.rs", "use super::b::Deep;"),
            ],
        );
        assert_eq!(
            found.as_deref(),
            Some("a.rs -> b/mod.rs, b/deep.rs -> a.rs")
        );
    }

    #[test]
    fn files_of_one_folder_are_not_beyond_it() {
        let folder = |second| {
            circle(
                Grain::Files,
                [
                    ("lib.rs", "mod a;"),
                    ("a.rs", "mod b;\nmod c;\npub use b::*;\npub use c::C;"),
                    ("a/b.rs", "pub struct B(super::C);"),
                    ("a/c.rs", second),
                ],
            )
        };
        assert_eq!(folder("pub struct C;"), None);
        let found = folder("pub struct C(super::B);");
        assert_eq!(found.as_deref(), Some("a/b.rs -> a/c.rs, a/c.rs -> a/b.rs"));
    }

    #[test]
    fn a_folder_and_its_own_file_are_no_circle_nor_are_comments_and_tests() {
        let found = circle(
            Grain::Folders,
            [
                ("lib.rs", "mod a;\nmod b;"),
                ("a.rs", "mod deep;\nuse deep::Deep;\nuse crate::b::B;"),
                ("a/deep.rs", "use super::A;"),
                (
                    "b.rs",
                    "// As crate::a::A.\n#[cfg(test)]\nmod tests {\n    use crate::a;\n}",
                ),
            ],
        );
        assert_eq!(found, None);
    }

    #[test]
    fn folders_may_be_in_a_circle_that_no_files_are_in() {
        let files = [
            ("lib.rs", "mod a;\nmod b;"),
            ("a.rs", "mod one;\nmod two;"),
            ("a/one.rs", "use crate::b::below;"),
            ("a/two.rs", ""),
            ("b.rs", "pub mod below;\npub mod above;"),
            ("b/below.rs", ""),
            ("b/above.rs", "use crate::a::two;"),
        ];
        assert_eq!(circle(Grain::Files, files), None);
        let found = circle(Grain::Folders, files);
        assert_eq!(
            found.as_deref(),
            Some("a/one.rs -> b/below.rs, b/above.rs -> a/two.rs")
        );
    }
}
