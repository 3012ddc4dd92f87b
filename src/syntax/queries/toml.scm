; Definitions of TOML: tables, and keys of the outer ones.
;
; @definition.KIND is the whole definition, @name its name, @body what a signature leaves out, @import what makes names of
; elsewhere known, @text what is no code.

(document (pair . (_) @name (_) @body) @definition.key)
(table . (_) @name "]" . (_)? @body) @definition.key
(table_array_element . (_) @name "]]" . (_)? @body) @definition.key
(table (pair . (_) @name (_) @body) @definition.key)

(comment) @comment
