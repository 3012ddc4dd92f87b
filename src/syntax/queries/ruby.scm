; Definitions of Ruby.
;
; @definition.KIND is the whole definition, @name its name, @body what a signature leaves out, @import what makes names of
; elsewhere known, @text what is no code.

(class name: (_) @name body: (_)? @body) @definition.class
(module name: (_) @name body: (_)? @body) @definition.module
(method name: (_) @name body: (_)? @body) @definition.method
(singleton_method name: (_) @name body: (_)? @body) @definition.method
(assignment left: (constant) @name right: (_) @body) @definition.constant

((call method: (identifier) @_require) @import (#match? @_require "^(require|require_relative|autoload)$"))

(comment) @comment
(string) @text
