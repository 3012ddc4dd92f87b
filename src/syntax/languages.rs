//! The languages with a grammar, and how a file's name tells which one it is.

/// A language this build can parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    Rust,
    Python,
    JavaScript,
    TypeScript,
    Tsx,
    Go,
    C,
    Cpp,
    Java,
    CSharp,
    Ruby,
    Php,
    Bash,
    Lua,
    Html,
    Css,
    Json,
    Toml,
    Yaml,
    Markdown,
}

/// What there is to know of a language besides its grammar.
struct Facts {
    language: Language,
    /// The name people use.
    name: &'static str,
    /// The protocol's language ids.
    ids: &'static [&'static str],
    /// How its files' names end.
    ends: &'static [&'static str],
    /// Files that have the name and no such end.
    files: &'static [&'static str],
    /// Some code that defines `works`.
    sample: &'static str,
}

impl Language {
    pub const ALL: &[Language] = &[
        Language::Rust,
        Language::Python,
        Language::JavaScript,
        Language::TypeScript,
        Language::Tsx,
        Language::Go,
        Language::C,
        Language::Cpp,
        Language::Java,
        Language::CSharp,
        Language::Ruby,
        Language::Php,
        Language::Bash,
        Language::Lua,
        Language::Html,
        Language::Css,
        Language::Json,
        Language::Toml,
        Language::Yaml,
        Language::Markdown,
    ];

    /// By file name or path; `None` where no grammar is at hand.
    pub fn of_path(path: &str) -> Option<Language> {
        let name = path.rsplit(['/', '\\']).next()?;
        let by_name = || FACTS.iter().find(|facts| facts.files.contains(&name));
        let by_end = || {
            let end = name.rsplit_once('.')?.1;
            let has = |facts: &&Facts| facts.ends.iter().any(|known| known.eq_ignore_ascii_case(end));
            FACTS.iter().find(has)
        };
        by_name().or_else(by_end).map(|facts| facts.language)
    }

    /// By the protocol's language id, for documents whose name tells nothing.
    pub fn of_id(id: &str) -> Option<Language> {
        FACTS.iter().find(|facts| facts.ids.contains(&id)).map(|facts| facts.language)
    }

    /// The name people use.
    pub fn name(self) -> &'static str {
        self.facts().map_or("", |facts| facts.name)
    }

    /// A little code that defines something, to see whether the grammar works.
    pub fn sample(self) -> &'static str {
        self.facts().map_or("", |facts| facts.sample)
    }

    /// Whether a tree with errors means that the text is wrong. Macros, templates and dialects make right code of the other
    /// languages look broken.
    pub fn tells_errors(self) -> bool {
        match self {
            Language::Rust
            | Language::Python
            | Language::JavaScript
            | Language::TypeScript
            | Language::Tsx
            | Language::Go
            | Language::Java
            | Language::Json
            | Language::Toml => true,
            Language::C
            | Language::Cpp
            | Language::CSharp
            | Language::Ruby
            | Language::Php
            | Language::Bash
            | Language::Lua
            | Language::Html
            | Language::Css
            | Language::Yaml
            | Language::Markdown => false,
        }
    }

    /// Whether its files are data or prose: what they define is not called from elsewhere.
    pub fn is_data(self) -> bool {
        matches!(
            self,
            Language::Html | Language::Css | Language::Json | Language::Toml | Language::Yaml | Language::Markdown
        )
    }

    fn facts(self) -> Option<&'static Facts> {
        FACTS.iter().find(|facts| facts.language == self)
    }
}

const FACTS: &[Facts] = &[
    Facts {
        language: Language::Rust,
        name: "rust",
        ids: &["rust"],
        ends: &["rs"],
        files: &[],
        sample: "fn works() {}\n",
    },
    Facts {
        language: Language::Python,
        name: "python",
        ids: &["python"],
        ends: &["py", "pyi", "pyw"],
        files: &["SConstruct", "wscript"],
        sample: "def works():\n    pass\n",
    },
    Facts {
        language: Language::JavaScript,
        name: "javascript",
        ids: &["javascript", "javascriptreact"],
        ends: &["js", "mjs", "cjs", "jsx"],
        files: &[],
        sample: "function works() {}\n",
    },
    Facts {
        language: Language::TypeScript,
        name: "typescript",
        ids: &["typescript"],
        ends: &["ts", "mts", "cts"],
        files: &[],
        sample: "function works(): void {}\n",
    },
    Facts {
        language: Language::Tsx,
        name: "tsx",
        ids: &["typescriptreact"],
        ends: &["tsx"],
        files: &[],
        sample: "const works = () => <p/>;\n",
    },
    Facts {
        language: Language::Go,
        name: "go",
        ids: &["go"],
        ends: &["go"],
        files: &[],
        sample: "package p\n\nfunc works() {}\n",
    },
    Facts {
        language: Language::C,
        name: "c",
        ids: &["c"],
        ends: &["c"],
        files: &[],
        sample: "int works(void) { return 0; }\n",
    },
    Facts {
        language: Language::Cpp,
        name: "cpp",
        ids: &["cpp", "cuda-cpp"],
        // A header can be either; the grammar of C++ reads C too.
        ends: &["cpp", "cc", "cxx", "hpp", "hh", "hxx", "h", "ipp", "inl", "cu"],
        files: &[],
        sample: "class works {};\n",
    },
    Facts {
        language: Language::Java,
        name: "java",
        ids: &["java"],
        ends: &["java"],
        files: &[],
        sample: "class works {}\n",
    },
    Facts {
        language: Language::CSharp,
        name: "c_sharp",
        ids: &["csharp"],
        ends: &["cs", "csx"],
        files: &[],
        sample: "class works {}\n",
    },
    Facts {
        language: Language::Ruby,
        name: "ruby",
        ids: &["ruby"],
        ends: &["rb", "rake", "gemspec", "ru"],
        files: &["Rakefile", "Gemfile", "Guardfile", "Vagrantfile", "Podfile"],
        sample: "def works\nend\n",
    },
    Facts {
        language: Language::Php,
        name: "php",
        ids: &["php"],
        ends: &["php", "phtml"],
        files: &[],
        sample: "<?php\nfunction works() {}\n",
    },
    Facts {
        language: Language::Bash,
        name: "bash",
        ids: &["shellscript", "sh", "bash"],
        ends: &["sh", "bash", "zsh", "bats", "ebuild"],
        files: &[".bashrc", ".bash_profile", ".bash_aliases", ".profile", ".zshrc", "PKGBUILD"],
        sample: "works() { :; }\n",
    },
    Facts {
        language: Language::Lua,
        name: "lua",
        ids: &["lua"],
        ends: &["lua", "rockspec"],
        files: &[],
        sample: "function works() end\n",
    },
    Facts {
        language: Language::Html,
        name: "html",
        ids: &["html"],
        ends: &["html", "htm", "xhtml"],
        files: &[],
        sample: "<p id=\"works\">x</p>\n",
    },
    Facts {
        language: Language::Css,
        name: "css",
        ids: &["css"],
        ends: &["css"],
        files: &[],
        sample: ".works { color: red }\n",
    },
    Facts {
        language: Language::Json,
        name: "json",
        ids: &["json", "jsonc"],
        ends: &["json", "jsonc", "webmanifest"],
        files: &[".prettierrc", ".eslintrc", ".babelrc", "composer.lock", "flake.lock"],
        sample: "{\"works\": 1}\n",
    },
    Facts {
        language: Language::Toml,
        name: "toml",
        ids: &["toml"],
        ends: &["toml"],
        files: &["Cargo.lock", "poetry.lock", "uv.lock", "Pipfile"],
        sample: "works = 1\n",
    },
    Facts {
        language: Language::Yaml,
        name: "yaml",
        ids: &["yaml", "dockercompose", "github-actions-workflow"],
        ends: &["yaml", "yml"],
        files: &[".clang-format", ".clang-tidy"],
        sample: "works: 1\n",
    },
    Facts {
        language: Language::Markdown,
        name: "markdown",
        ids: &["markdown"],
        ends: &["md", "markdown"],
        files: &[],
        sample: "# works\n\ntext\n",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_is_told_by_name_and_id() {
        for language in Language::ALL {
            let facts = language.facts().unwrap();
            assert!(!facts.ends.is_empty() && !facts.ids.is_empty());
            for end in facts.ends {
                assert_eq!(Language::of_path(&format!("a/b.{end}")), Some(*language), "{end}");
            }
            for id in facts.ids {
                assert_eq!(Language::of_id(id), Some(*language), "{id}");
            }
        }
        assert_eq!(FACTS.len(), Language::ALL.len());
    }

    #[test]
    fn names_tell() {
        let check = |path: &str, expected: Option<Language>| assert_eq!(Language::of_path(path), expected, "{path}");
        check("src/a.TS", Some(Language::TypeScript));
        check("Gemfile", Some(Language::Ruby));
        check("a/.bashrc", Some(Language::Bash));
        check("a\\b.rs", Some(Language::Rust));
        check("a.d/b", None);
        check("rs", None);
        check("a.kt", None);
    }
}
