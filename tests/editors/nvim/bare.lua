--- Neovim without the plugin: the ten lines of the manual, Neovim's own client, code actions and diagnostics.
local T = dofile(os.getenv('CLAW_TEST_REPO') .. '/tests/editors/nvim/support.lua')

--- The configuration as the manual prints it.
local function manual()
  local file = assert(io.open(T.repo .. '/editors/nvim/doc/claw.txt'))
  local text = file:read('a')
  file:close()
  return assert(text:match('%*claw%-bare%*.->lua\n%s*\n(.-)\n<\n'))
end

--- Claw's diagnostics, of one buffer or of all.
local function hints(buf)
  return vim.tbl_filter(function(diagnostic)
    return diagnostic.source == 'claw'
  end, vim.diagnostic.get(buf))
end

T.run(function()
  local config = manual()
  T.equal('the configuration has ten lines', #vim.split(config, '\n'), 10)
  assert(loadstring(config))()

  local utils = T.open('src/click/utils.py')
  local before = T.text(utils)

  -- Ask. A client without an input box gets a comment to fill.
  T.cursor('def make_default_short_help')
  T.action('^Ask Claw…')
  T.wait('"Ask Claw…" puts a comment above the line', function()
    return T.text(utils):match('\n *# claw: ?\ndef make_default_short_help') ~= nil
  end, function()
    return T.lines(utils)[56]
  end)
  local row = T.find('# claw:')
  vim.api.nvim_buf_set_lines(utils, row - 1, row, false, { '# claw: call it summarize_help, everywhere' })
  vim.api.nvim_win_set_cursor(0, { row, 0 })
  T.undo_break()
  T.action('^Ask Claw: call it summarize_help, everywhere')

  -- Review: a hint for every hunk, in files that are not open too.
  T.wait('hunks come as hints in four files', function()
    local files = {}
    for _, hint in ipairs(hints()) do
      files[hint.bufnr] = true
    end
    return vim.tbl_count(files) == 4
  end, function()
    return vim.tbl_map(function(hint)
      return { vim.api.nvim_buf_get_name(hint.bufnr), hint.lnum, hint.message }
    end, hints())
  end)
  local hint = hints(utils)[1]
  T.equal('a hunk is a hint', hint.severity, vim.diagnostic.severity.HINT)
  T.check('its message holds the new line', hint.message:find('summarize_help', 1, true) ~= nil, hint.message)
  T.check('the buffer is as it was', T.text(utils):find('summarize_help(', 1, true) == nil)
  T.check('nothing is written', T.disk('src/click/utils.py') == T.original('src/click/utils.py'))

  -- Accept one: the buffer changes, and one undo takes it back.
  T.cursor('def make_default_short_help')
  local asked = T.text(utils)
  T.action('^Claw: accept hunk %d+/%d+')
  T.wait('the accepted hunk is in the buffer', function()
    return T.text(utils):find('def summarize_help(help: str', 1, true) ~= nil
  end)
  local accepted = T.text(utils)
  T.check('the comment goes with it', accepted:find('claw:', 1, true) == nil)
  T.equal('nothing else changed', accepted, (before:gsub('make_default_short_help', 'summarize_help')))
  vim.cmd('silent undo')
  T.equal('one undo takes it back', T.text(utils), asked)
  vim.cmd('silent redo')
  T.equal('and redo brings it again', T.text(utils), accepted)

  -- Accept the rest, in all files.
  T.wait('its hint goes', function()
    return #hints(utils) == 0
  end, function()
    return hints(utils)
  end)
  -- Take it back by a code action, and by the editor's own undo take back that.
  T.cursor('def summarize_help')
  T.action('^Claw: undo ')
  T.wait('the code action takes it back', function()
    return T.text(utils) == asked
  end, function()
    return T.lines(utils)[56]
  end)
  vim.cmd('silent undo')
  T.equal('in one step of undo', T.text(utils), accepted)

  -- Lines that are typed over are a conflict, which a code action settles.
  local tests = T.open('tests/test_utils.py')
  T.cursor('def test_make_default_short_help')
  vim.cmd('silent substitute/test_make/test_that_make/')
  T.wait('what is typed at a hunk is a conflict', function()
    local first = hints(tests)[1]
    return first and first.code == 'conflict'
  end, function()
    return hints(tests)
  end)
  T.action('^Claw: take Claw\'s')
  T.wait('Claw\'s line is taken', function()
    return T.text(tests):find('def test_summarize_help(', 1, true) ~= nil
  end, function()
    return T.lines(tests)[hints(tests)[1] and hints(tests)[1].lnum + 1 or 1]
  end)

  T.open('src/click/core.py')
  T.cursor('import make_default_short_help')
  T.wait('the other files still wait', function()
    return #hints(0) == 2
  end, function()
    return hints(0)
  end)
  T.action('^Claw: accept all %d+ hunks in %d+ files')
  T.wait('no hint is left', function()
    return #hints() == 0
  end, function()
    return hints()
  end)
  vim.cmd('silent wall')
  for _, path in ipairs({ 'src/click/utils.py', 'src/click/core.py', 'tests/test_utils.py' }) do
    local expected = T.original(path):gsub('make_default_short_help', 'summarize_help')
    T.check(path .. ' is renamed and nothing else', T.disk(path) == expected)
  end
  T.check('the new test file stands', (T.disk('tests/test_summarize_help.py') or ''):find('^from click.utils import summarize_help\n') ~= nil)
end)
