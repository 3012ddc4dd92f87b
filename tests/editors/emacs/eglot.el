;;; eglot.el --- Claw in Emacs, by eglot alone  -*- lexical-binding: t -*-

;; emacs -Q --batch -l eglot.el.  From the environment: CLAW_TEST_WORK, a copy of the package that is edited, and
;; CLAW_TEST_CORPUS, the package as it was.  `claw' is in PATH, and its configuration plays the model.

(require 'package)
;; Where Debian puts packages; -Q leaves it out.
(add-to-list 'package-directory-list "/usr/share/emacs/site-lisp/elpa")
(package-initialize)
(require 'eglot)
(require 'cl-lib)

(defvar passed 0)
(defvar failed 0)

(defun finish ()
  (princ (format "%d passed, %d failed\n" passed failed))
  (kill-emacs (if (= failed 0) 0 1)))

(defun check (name ok &optional seen)
  (if ok (cl-incf passed) (cl-incf failed))
  (princ (format "%s %s%s\n" (if ok "ok  " "FAIL") name (if (and (not ok) seen) (format "\n     seen: %s" seen) ""))))

(defun wait (name condition &optional seen)
  "Wait until CONDITION holds.  Without it the rest makes no sense."
  (let ((end (+ (float-time) 60)) ok)
    (while (and (not (setq ok (funcall condition))) (< (float-time) end))
      (accept-process-output nil 0.02))
    (check name ok (and seen (not ok) (funcall seen)))
    (unless ok (finish))))

(defun text () (buffer-substring-no-properties (point-min) (point-max)))

(defun holds (words) (save-excursion (goto-char (point-min)) (let (case-fold-search) (search-forward words nil t))))

(defun cursor (words)
  (goto-char (point-min))
  (search-forward words)
  (goto-char (line-beginning-position)))

(defun file-text (folder path)
  (with-temp-buffer (insert-file-contents (expand-file-name path (getenv folder))) (text)))

(defun hints ()
  "The diagnostics of the buffer, which eglot alone has a say in."
  (flymake-start)
  (flymake-diagnostics))

(defun act (title)
  "Choose the code action that TITLE matches, as a user does in the menu."
  (let ((last-nonmenu-event ?a) offered chosen)
    (cl-letf (((symbol-function 'completing-read)
               (lambda (_prompt choices &rest _)
                 (setq offered (mapcar (lambda (choice) (if (consp choice) (car choice) choice)) choices))
                 (setq chosen (or (cl-find-if (lambda (one) (string-match-p title one)) offered)
                                  (progn (check (format "there is an action %s" title) nil offered) (finish)))))))
      (eglot-code-actions (line-beginning-position) (line-end-position) nil t))
    chosen))

(setq eglot-sync-connect 30
      eglot-confirm-server-edits nil
      eglot-send-changes-idle-time 0.02
      eglot-events-buffer-size 200000
      make-backup-files nil
      create-lockfiles nil)
(add-to-list 'eglot-server-programs '(python-mode . ("claw" "lsp")))

(defun y-or-n-p (&rest _)
  "The user says yes: eglot asks before it edits files that are not open."
  t)

(defun run ()
  (find-file (expand-file-name "src/click/utils.py" (getenv "CLAW_TEST_WORK")))
  (buffer-enable-undo)
  (apply #'eglot--connect (eglot--guess-contact))
  (check "eglot connects" (eglot-current-server))
  (check "the buffer is managed" (eglot-managed-p))
  (let ((before (text)) accepted)
    ;; Ask. eglot has no input box of Claw's: a comment is the question.
    (cursor "def make_default_short_help")
    (insert "# claw: call it summarize_help, everywhere\n")
    (forward-line -1)
    (eglot--signal-textDocument/didChange)
    (act "^Ask Claw: call it summarize_help, everywhere")
    (wait "a hunk comes as a hint" #'hints)
    (check "the buffer is as it was" (not (holds "def summarize_help")))

    ;; Accept it by a code action, which carries its edit.
    (undo-boundary)
    (cursor "def make_default_short_help")
    (act "^Claw: accept hunk [0-9]+/[0-9]+")
    (wait "the accepted hunk is in the buffer" (lambda () (holds "def summarize_help(help: str")) #'text)
    (setq accepted (text))
    (check "the comment goes with it, and nothing else" (equal accepted (string-replace "make_default_short_help" "summarize_help" before)))
    (eglot--signal-textDocument/didChange)
    (wait "its hint goes" (lambda () (null (hints))) #'hints)

    ;; The editor's own undo takes it back, and it is not made again.
    (undo-boundary)
    (setq last-command 'ignore)
    (undo)
    (check "one undo takes it back" (and (holds "def make_default_short_help") (holds "# claw: call it")) (text))
    (eglot--signal-textDocument/didChange)
    (undo-boundary)
    (setq last-command 'ignore)
    (undo)
    (check "and an undo of that brings it again" (equal (text) accepted) (text))
    (eglot--signal-textDocument/didChange)

    ;; Take it back by a code action, and accept the whole: the server asks the editor for the edits.
    (wait "no hint comes back" (lambda () (null (hints))) #'hints)
    (find-file (expand-file-name "src/click/core.py" (getenv "CLAW_TEST_WORK")))
    (wait "another file is managed too" #'eglot-managed-p)
    (wait "its hunks wait" #'hints)
    (cursor "import make_default_short_help")
    (act "^Claw: accept all [0-9]+ hunks in [0-9]+ files")
    (wait "all hunks of the file are in its buffer" (lambda () (not (holds "make_default_short_help"))) #'text)
    (check "and nothing else" (equal (text) (string-replace "make_default_short_help" "summarize_help"
                                                             (file-text "CLAW_TEST_CORPUS" "src/click/core.py"))))
    (eglot--signal-textDocument/didChange)
    (wait "no hint is left" (lambda () (null (hints))) #'hints)
    (let ((tests (lambda () (find-buffer-visiting (expand-file-name "tests/test_utils.py" (getenv "CLAW_TEST_WORK"))))))
      (wait "a file that was not open has its edit too"
            (lambda () (and (funcall tests) (with-current-buffer (funcall tests) (holds "def test_summarize_help"))))))
    (save-some-buffers t)
    (dolist (path '("src/click/utils.py" "src/click/core.py" "tests/test_utils.py"))
      (check (concat path " is renamed and nothing else")
             (equal (file-text "CLAW_TEST_WORK" path)
                    (string-replace "make_default_short_help" "summarize_help" (file-text "CLAW_TEST_CORPUS" path)))))
    (with-timeout (10 (check "the server leaves" nil)) (eglot-shutdown (eglot-current-server)))
    (check "the server left" t)))

(condition-case problem
    (run)
  (error (check "runs to its end" nil problem)))
(finish)
;;; eglot.el ends here
