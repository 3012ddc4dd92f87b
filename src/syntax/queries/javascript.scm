; Definitions of JavaScript.
;
; @definition.KIND is the whole definition, @name its name, @body what a signature leaves out, @import what makes names of
; elsewhere known, @text what is no code.

(function_declaration name: (_) @name body: (_) @body) @definition.function
(generator_function_declaration name: (_) @name body: (_) @body) @definition.function
(class_declaration name: (_) @name body: (_) @body) @definition.class
(method_definition name: (_) @name body: (_) @body) @definition.method
(field_definition property: (_) @name value: (arrow_function body: (_) @body)) @definition.method
(pair key: (property_identifier) @name value: (arrow_function body: (_) @body)) @definition.method
(pair key: (property_identifier) @name value: (function_expression body: (_) @body)) @definition.method
(variable_declarator name: (identifier) @name value: (arrow_function body: (_) @body)) @definition.function
(variable_declarator name: (identifier) @name value: (function_expression body: (_) @body)) @definition.function
(variable_declarator name: (identifier) @name value: (class body: (_) @body)) @definition.class
(assignment_expression
  left: (member_expression property: (property_identifier) @name)
  right: (function_expression body: (_) @body)) @definition.function
(assignment_expression
  left: (member_expression property: (property_identifier) @name)
  right: (arrow_function body: (_) @body)) @definition.function
(program (lexical_declaration (variable_declarator name: (identifier) @name value: (_)? @body) @definition.constant))
(program (variable_declaration (variable_declarator name: (identifier) @name value: (_)? @body) @definition.constant))
(program (export_statement
  (lexical_declaration (variable_declarator name: (identifier) @name value: (_)? @body) @definition.constant)))

(decorator) @attribute

(import_statement) @import

(comment) @comment
(string) @text
