; Definitions of TypeScript, with and without elements in it.
;
; @definition.KIND is the whole definition, @name its name, @body what a signature leaves out, @import what makes names of
; elsewhere known, @text what is no code.

(function_declaration name: (_) @name body: (_) @body) @definition.function
(generator_function_declaration name: (_) @name body: (_) @body) @definition.function
(function_signature name: (_) @name) @definition.function
(class_declaration name: (_) @name body: (_) @body) @definition.class
(abstract_class_declaration name: (_) @name body: (_) @body) @definition.class
(interface_declaration name: (_) @name body: (_) @body) @definition.interface
(type_alias_declaration name: (_) @name) @definition.type_alias
(enum_declaration name: (_) @name body: (_) @body) @definition.enum
(internal_module name: (_) @name body: (_) @body) @definition.module
(module name: (_) @name body: (_) @body) @definition.module
(method_definition name: (_) @name body: (_) @body) @definition.method
(method_signature name: (_) @name) @definition.method
(abstract_method_signature name: (_) @name) @definition.method
(public_field_definition name: (_) @name value: (arrow_function body: (_) @body)) @definition.method
(pair key: (property_identifier) @name value: (arrow_function body: (_) @body)) @definition.method
(pair key: (property_identifier) @name value: (function_expression body: (_) @body)) @definition.method
(variable_declarator name: (identifier) @name value: (arrow_function body: (_) @body)) @definition.function
(variable_declarator name: (identifier) @name value: (function_expression body: (_) @body)) @definition.function
(variable_declarator name: (identifier) @name value: (class body: (_) @body)) @definition.class
(program (lexical_declaration (variable_declarator name: (identifier) @name value: (_)? @body) @definition.constant))
(program (variable_declaration (variable_declarator name: (identifier) @name value: (_)? @body) @definition.constant))
(program (export_statement
  (lexical_declaration (variable_declarator name: (identifier) @name value: (_)? @body) @definition.constant)))

(decorator) @attribute

(import_statement) @import

(comment) @comment
(string) @text
