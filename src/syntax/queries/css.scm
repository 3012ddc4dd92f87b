; Definitions of CSS.
;
; @definition.KIND is the whole definition, @name its name, @body what a signature leaves out, @import what makes names of
; elsewhere known, @text what is no code.

(rule_set (selectors) @name (block) @body) @definition.selector
(keyframes_statement (keyframes_name) @name (keyframe_block_list) @body) @definition.selector
((declaration (property_name) @name) @definition.constant (#match? @name "^--"))

(import_statement) @import

[(comment) (js_comment)] @comment
(string_value) @text
