-- The configuration that vim.lsp.enable('claw') starts from.
return require('claw.client').config()
