; Definitions of Markdown: its headings, each with what stands below it.
;
; @definition.KIND is the whole definition, @name its name, @body what a signature leaves out, @import what makes names of
; elsewhere known, @text what is no code.

(section . (atx_heading heading_content: (_) @name) @signature) @definition.heading
(section . (setext_heading heading_content: (_) @name @signature)) @definition.heading

((html_block) @comment (#match? @comment "^<!--"))
