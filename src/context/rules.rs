//! The project's own instructions: `AGENTS.md`, else `CLAUDE.md`, `CLAW.md`; nested ones apply to their folder.
