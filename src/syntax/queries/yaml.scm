; Definitions of YAML: keys of the outer two mappings.
;
; @definition.KIND is the whole definition, @name its name, @body what a signature leaves out, @import what makes names of
; elsewhere known, @text what is no code.

(document (block_node (block_mapping (block_mapping_pair key: (_) @name value: (_)? @body) @definition.key)))
(document (block_node (block_mapping (block_mapping_pair
  value: (block_node (block_mapping (block_mapping_pair key: (_) @name value: (_)? @body) @definition.key))))))

(comment) @comment
