; Definitions of PHP.
;
; @definition.KIND is the whole definition, @name its name, @body what a signature leaves out, @import what makes names of
; elsewhere known, @text what is no code.

(class_declaration name: (_) @name body: (_) @body) @definition.class
(interface_declaration name: (_) @name body: (_) @body) @definition.interface
(trait_declaration name: (_) @name body: (_) @body) @definition.trait
(enum_declaration name: (_) @name body: (_) @body) @definition.enum
(function_definition name: (_) @name body: (_) @body) @definition.function
(method_declaration name: (_) @name body: (_)? @body) @definition.method
(const_declaration (const_element . (name) @name (_)? @body)) @definition.constant
(namespace_definition name: (_) @name body: (_)? @body) @definition.module

(attribute_list) @attribute

(namespace_use_declaration) @import

(comment) @comment
(string) @text
