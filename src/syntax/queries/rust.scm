; Definitions of Rust.
;
; @definition.KIND is the whole item, @name its name, @body what a signature leaves out, @import what makes
; names of elsewhere known, @text what is no code.

; A `mod` without a body declares a file.
(mod_item name: (identifier) @name body: (_) @body) @definition.module
(struct_item name: (_) @name body: (_)? @body) @definition.struct
(enum_item name: (_) @name body: (_)? @body) @definition.enum
(union_item name: (_) @name body: (_)? @body) @definition.union
(trait_item name: (_) @name body: (_)? @body) @definition.trait
(impl_item type: (_) @name body: (_)? @body) @definition.impl
(function_item name: (_) @name body: (_)? @body) @definition.function
(function_signature_item name: (_) @name) @definition.function
(const_item name: (identifier) @name value: (_)? @body) @definition.constant
(static_item name: (identifier) @name value: (_)? @body) @definition.static
(type_item name: (_) @name) @definition.type_alias
(associated_type name: (_) @name) @definition.type_alias
(macro_definition name: (identifier) @name . (macro_rule)? @body) @definition.macro

; What belongs to the item that follows it.
(attribute_item) @attribute

(use_declaration) @import

(line_comment) @comment
(block_comment) @comment
[(string_literal) (raw_string_literal)] @text
