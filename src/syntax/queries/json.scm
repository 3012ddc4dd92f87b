; Definitions of JSON: keys of the outer two objects.
;
; @definition.KIND is the whole definition, @name its name, @body what a signature leaves out, @import what makes names of
; elsewhere known, @text what is no code.

(document (object (pair key: (string (string_content) @name) value: (_) @body) @definition.key))
(document (object (pair value: (object (pair key: (string (string_content) @name) value: (_) @body) @definition.key))))

(comment) @comment
