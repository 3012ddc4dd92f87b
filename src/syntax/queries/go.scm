; Definitions of Go.
;
; @definition.KIND is the whole definition, @name its name, @body what a signature leaves out, @import what makes names of
; elsewhere known, @text what is no code.

(function_declaration name: (_) @name body: (_)? @body) @definition.function
(method_declaration name: (_) @name body: (_)? @body) @definition.method
(type_spec name: (_) @name type: (struct_type (field_declaration_list) @body)) @definition.struct
(type_spec name: (_) @name type: (interface_type "{" @body)) @definition.interface
(type_spec name: (_) @name) @definition.type_alias
(type_alias name: (_) @name) @definition.type_alias
(method_elem name: (_) @name) @definition.method
(source_file (const_declaration (const_spec name: (identifier) @name value: (_)? @body) @definition.constant))
(source_file (var_declaration (var_spec name: (identifier) @name value: (_)? @body) @definition.static))
(source_file (var_declaration
  (var_spec_list (var_spec name: (identifier) @name value: (_)? @body) @definition.static)))

(import_declaration) @import

(comment) @comment
(interpreted_string_literal) @text
(raw_string_literal) @text
