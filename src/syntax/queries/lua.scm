; Definitions of Lua.
;
; @definition.KIND is the whole definition, @name its name, @body what a signature leaves out, @import what makes names of
; elsewhere known, @text what is no code.

(function_declaration name: (_) @name body: (_)? @body) @definition.function
(assignment_statement
  (variable_list name: (_) @name) (expression_list value: (function_definition body: (_)? @body))) @definition.function
(field name: (identifier) @name value: (function_definition body: (_)? @body)) @definition.function
(chunk (variable_declaration
  (assignment_statement (variable_list name: (_) @name) (expression_list value: (_) @body)) @definition.constant))

((function_call name: (identifier) @_require) @import (#eq? @_require "require"))

(comment) @comment
(string) @text
