; Definitions of Bash.
;
; @definition.KIND is the whole definition, @name its name, @body what a signature leaves out, @import what makes names of
; elsewhere known, @text what is no code.

(function_definition name: (_) @name body: (_) @body) @definition.function
(program (variable_assignment name: (variable_name) @name value: (_)? @body) @definition.constant)
(program (declaration_command
  (variable_assignment name: (variable_name) @name value: (_)? @body)) @definition.constant)

((command name: (command_name) @_source) @import (#match? @_source "^(source|\\.)$"))

(comment) @comment
(raw_string) @text
