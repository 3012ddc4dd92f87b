--- Neovim with the plugin: an explanation opens as Markdown.
local T = dofile(os.getenv('CLAW_TEST_REPO') .. '/tests/editors/nvim/support.lua')
vim.opt.runtimepath:prepend(T.repo .. '/editors/nvim')
vim.cmd.runtime('plugin/claw.lua')

T.run(function()
  require('claw').setup({ settings = T.settings })
  T.open('src/click/_compat.py')
  T.cursor('def strip_ansi')
  vim.cmd('Claw explain')
  T.wait('the answer opens', function()
    return vim.api.nvim_buf_get_name(0):match('%.md$') ~= nil
  end, function()
    return vim.api.nvim_buf_get_name(0)
  end)
  T.check('it is what the model said', T.text():find('removes **escape sequences** of colours', 1, true) ~= nil, T.text())
  T.equal('nothing waits for review', #require('claw.review').pending(), 0)
end)
