--- Neovim with the plugin: what would be sent, the map and what was done are there to be read.
local T = dofile(os.getenv('CLAW_TEST_REPO') .. '/tests/editors/nvim/support.lua')
vim.opt.runtimepath:prepend(T.repo .. '/editors/nvim')
vim.cmd.runtime('plugin/claw.lua')

--- Waits for a view and gives its text.
local function view(name, sign)
  T.wait(name .. ' opens', function()
    return vim.api.nvim_buf_get_name(0) == name and T.find(sign) ~= nil
  end, function()
    return vim.api.nvim_buf_get_name(0) .. '\n' .. T.text()
  end)
  return T.text()
end

T.run(function()
  require('claw').setup({ settings = T.settings })
  T.open('src/click/_compat.py')
  T.cursor('def strip_ansi')
  vim.api.nvim_buf_set_lines(0, 0, 0, false, { "token = 'ghp_" .. ('a1B2c3D4e5'):rep(4):sub(1, 36) .. "'" })
  vim.cmd('Claw context Why does strip_ansi need an expression?')
  local text = view('claw://context', 'What an ask would send')
  T.check('the instruction is what was typed', text:find('Why does strip_ansi need an expression?', 1, true) ~= nil, text)
  T.check('each section says where it comes from', text:find('| ✓ | symbol | %d+ | src/click/\\_compat.py |') ~= nil, text)
  T.check('what is left out says why', text:find('| left out | rules | 0 | workspace | there is no', 1, true) ~= nil, text)
  T.check('what is not saved is marked', text:find('_compat.py %(%d+ lines, modified%)') ~= nil, text)
  T.check('no secret stands in it', text:find('a1B2c3D4e5', 1, true) == nil, text)
  T.check('that one was masked is said', text:find('secret', 1, true) ~= nil, text)
  T.equal('it can not be changed', vim.bo.modifiable, false)
  T.equal('and nothing was asked', #require('claw.review').pending(), 0)

  vim.cmd.wincmd('p')
  vim.cmd('Claw map')
  text = view('claw://map', 'src/click/_compat.py')
  T.check('the map names definitions', text:find('def strip_ansi', 1, true) ~= nil, text)

  vim.cmd.wincmd('p')
  vim.cmd('Claw explain')
  T.wait('a session has come to its end', function()
    return vim.api.nvim_buf_get_name(0):match('%.md$') ~= nil
  end)
  vim.cmd('Claw trace')
  text = view('claw://trace', 'turn_end')
  T.check('the trace names the file and the steps', text:find('trace.jsonl', 1, true) and text:find('1 turn_start', 1, true), text)

  vim.cmd('Claw conversation')
  T.wait('the conversation is opened', function()
    return vim.api.nvim_buf_get_name(0):match('conversation%.md$') ~= nil and T.find('## You') ~= nil
  end)

  vim.cmd('Claw context again')
  T.wait('a view that is open is filled anew', function()
    return vim.api.nvim_buf_get_name(0) == 'claw://context' and T.find('again') ~= nil
  end)
  T.equal('in the window that it has', #vim.fn.win_findbuf(vim.api.nvim_get_current_buf()), 1)

  vim.cmd.sbuffer('_compat.py')
  local said = ''
  vim.notify = function(message)
    said = message
  end
  vim.cmd('Claw blame')
  T.wait('whose a line is, is said', function()
    return said:find('no accepted change put this line here', 1, true) ~= nil
  end, function()
    return said
  end)
end)
