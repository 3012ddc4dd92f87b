; Definitions of Python.
;
; @definition.KIND is the whole definition, @name its name, @body what a signature leaves out, @import what makes
; names of elsewhere known, @text what is no code.

(class_definition name: (identifier) @name body: (_)? @body) @definition.class
(function_definition name: (identifier) @name body: (_)? @body) @definition.function
(module (expression_statement (assignment left: (identifier) @name right: (_)? @body) @definition.constant))
(type_alias_statement left: (type) @name) @definition.type_alias

; What belongs to the definition that follows it.
(decorator) @attribute

[(import_statement) (import_from_statement)] @import

(comment) @comment
(expression_statement . (string) @text .)
