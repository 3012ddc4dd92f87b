; Definitions of Java.
;
; @definition.KIND is the whole definition, @name its name, @body what a signature leaves out, @import what makes names of
; elsewhere known, @text what is no code.

(class_declaration name: (_) @name body: (_) @body) @definition.class
(interface_declaration name: (_) @name body: (_) @body) @definition.interface
(enum_declaration name: (_) @name body: (_) @body) @definition.enum
(record_declaration name: (_) @name body: (_) @body) @definition.class
(annotation_type_declaration name: (_) @name body: (_) @body) @definition.interface
(method_declaration name: (_) @name body: (_)? @body) @definition.method
(constructor_declaration name: (_) @name body: (_) @body) @definition.method
(compact_constructor_declaration name: (_) @name body: (_) @body) @definition.method
(field_declaration
  (modifiers "static" "final")
  declarator: (variable_declarator name: (_) @name value: (_)? @body)) @definition.constant
(constant_declaration declarator: (variable_declarator name: (_) @name value: (_)? @body)) @definition.constant

(modifiers [(annotation) (marker_annotation)] @attribute)

(import_declaration) @import

[(line_comment) (block_comment)] @comment
(string_literal) @text
