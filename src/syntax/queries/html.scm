; Definitions of HTML.
;
; @definition.KIND is the whole definition, @name its name, @body what a signature leaves out, @import what makes names of
; elsewhere known, @text what is no code.

(element
  (start_tag (attribute (attribute_name) @_key (quoted_attribute_value (attribute_value) @name))) @signature
  (#eq? @_key "id")) @definition.element
(element
  (start_tag (tag_name) @_tag) . (text) @name @signature
  (#match? @_tag "^([hH][1-6]|title)$")) @definition.heading

(comment) @comment
