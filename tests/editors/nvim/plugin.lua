--- Neovim with the plugin: ask, hunks as virtual lines, next, accept, reject, accept all.
local T = dofile(os.getenv('CLAW_TEST_REPO') .. '/tests/editors/nvim/support.lua')
vim.opt.runtimepath:prepend(T.repo .. '/editors/nvim')
vim.cmd.runtime('plugin/claw.lua')

local function name()
  return vim.api.nvim_buf_get_name(0):gsub('^claw%-new://', ''):sub(#T.work + 2)
end

T.run(function()
  local events, progress = {}, {}
  vim.api.nvim_create_autocmd('User', {
    pattern = 'ClawEvent',
    callback = function(args)
      table.insert(events, args.data.event.type)
    end,
  })
  require('claw').setup({ settings = T.settings, root_markers = { '.git' } })
  vim.api.nvim_create_autocmd('LspProgress', {
    callback = function(args)
      table.insert(progress, args.data.params.value.kind)
    end,
  })

  T.equal('names complete', vim.fn.getcompletion('Claw acc', 'cmdline'), { 'accept', 'accept-all', 'accept-file', 'accept-lines' })
  T.equal('and what they take', vim.fn.getcompletion('Claw resolve ', 'cmdline'), { 'both', 'claw', 'mine' })

  -- Ask through the server's own code action: it asks back by claw/input.
  local utils = T.open('src/click/utils.py')
  T.cursor('def make_default_short_help')
  local prompt
  vim.ui.input = function(opts, answer)
    prompt = opts.prompt
    answer('call it summarize_help, everywhere')
  end
  T.action('^Ask Claw…')
  T.wait('the server asks for the instruction', function()
    return prompt ~= nil
  end)
  T.wait('six hunks wait in four files', function()
    local files = {}
    for _, hunk in ipairs(require('claw.review').pending()) do
      files[hunk.uri] = true
    end
    return vim.tbl_count(files) == 4 and #require('claw.review').pending() == 6 and vim.list_contains(events, 'turn_end')
  end, function()
    return require('claw.review').pending()
  end)
  T.check('the first event is the start of the turn', events[1] == 'turn_start', events)
  T.wait('progress begins and ends', function()
    return vim.list_contains(progress, 'begin') and progress[#progress] == 'end'
  end, function()
    return progress
  end)
  T.check('the status counts', require('claw').statusline() == 'claw: 6 to review', require('claw').statusline())

  -- The hunk as it is drawn.
  local seen = T.drawn(utils)
  T.equal('the new line is a virtual line', seen.lines, { 'def summarize_help(help: str, max_length: int = 45) -> str:' })
  T.equal('the old line is marked', { seen.old, seen.signs }, { 1, { '~' } })
  T.check('the title counts', (seen.titles[1] or ''):match('%d/6') ~= nil, seen.titles)
  T.equal('the hint is not drawn a second time', #vim.diagnostic.get(utils), 0)

  -- All hunks, one after the other, and round again.
  local order = {}
  for _ = 1, 6 do
    vim.cmd('Claw next')
    table.insert(order, name() .. ':' .. vim.api.nvim_win_get_cursor(0)[1])
  end
  local unique = {}
  for _, place in ipairs(order) do
    unique[place] = true
  end
  T.equal('next goes to every hunk', vim.tbl_count(unique), 6)
  vim.cmd('Claw prev')
  T.equal('prev goes back', name() .. ':' .. vim.api.nvim_win_get_cursor(0)[1], order[5])

  -- Accept one; one undo takes it back, and redo brings it again.
  vim.api.nvim_set_current_buf(utils)
  T.cursor('def make_default_short_help')
  local before = T.text(utils)
  vim.cmd('Claw accept')
  T.wait('the accepted hunk is in the buffer', function()
    return T.text(utils):find('def summarize_help(help: str', 1, true) ~= nil
  end)
  T.wait('and no longer drawn', function()
    return vim.deep_equal(T.drawn(utils), T.nothing)
  end, function()
    return T.drawn(utils)
  end)
  vim.cmd('silent undo')
  T.equal('one undo takes it back', T.text(utils), before)
  vim.cmd('silent redo')
  T.wait('five are left', function()
    return #require('claw.review').pending() == 5
  end, function()
    return #require('claw.review').pending()
  end)

  -- Reject one.
  T.open('tests/test_utils.py')
  T.cursor('def test_make_default_short_help')
  vim.cmd('Claw reject the name of the test stays')
  T.wait('the rejected hunk goes', function()
    return #require('claw.review').pending() == 4
  end, function()
    return #require('claw.review').pending()
  end)
  T.check('and its line stays', T.text():find('def test_make_default_short_help(', 1, true) ~= nil)

  -- A file that does not exist yet: a preview, and the file once it is accepted.
  for _ = 1, 4 do
    vim.cmd('Claw next')
    if name() == 'tests/test_summarize_help.py' then
      break
    end
  end
  T.equal('the new file has a preview', { name(), vim.bo.buftype, vim.bo.filetype }, { 'tests/test_summarize_help.py', 'nofile', 'python' })
  T.equal('with its text', T.lines()[1], 'from click.utils import summarize_help')

  vim.cmd('Claw accept-all')
  T.wait('nothing is left', function()
    return #require('claw.review').pending() == 0
  end, function()
    return require('claw.review').pending()
  end)
  T.check('the preview made room', vim.bo.buftype == '', vim.bo.buftype)
  vim.cmd('silent wall')
  for _, path in ipairs({ 'src/click/utils.py', 'src/click/core.py' }) do
    local expected = T.original(path):gsub('make_default_short_help', 'summarize_help')
    T.check(path .. ' is renamed and nothing else', T.disk(path) == expected)
  end
  local expected = T.original('tests/test_utils.py'):gsub('utils%.make_default_short_help', 'utils.summarize_help')
  T.check('the rejected line stays, the accepted one is there', T.disk('tests/test_utils.py') == expected)
  T.check('the new file stands', (T.disk('tests/test_summarize_help.py') or ''):find('^from click.utils import summarize_help\n') ~= nil)

  -- Health.
  vim.cmd('checkhealth claw')
  T.check('checkhealth finds the server', T.text():find('Runs in ' .. T.work, 1, true) ~= nil, T.text())
  T.check('checkhealth finds no error', T.text():find('ERROR', 1, true) == nil, T.text())
end)
