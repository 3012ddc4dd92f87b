--- Neovim with the plugin: hunks that wait while the user types, lines of them, their text edited, one made anew, undo and redo.
local T = dofile(os.getenv('CLAW_TEST_REPO') .. '/tests/editors/nvim/support.lua')
vim.opt.runtimepath:prepend(T.repo .. '/editors/nvim')
vim.cmd.runtime('plugin/claw.lua')

local review = require('claw.review')

--- The pending hunks by the first line that they put in.
local function hunk(new)
  for _, candidate in ipairs(review.pending()) do
    if vim.trim(candidate.new[1] or '') == new then
      return candidate
    end
  end
end

local function shown()
  return vim.tbl_map(function(candidate)
    return { candidate.state, candidate.start_line, candidate.old, candidate.new }
  end, review.pending())
end

--- Messages that the user saw.
local said = {}
vim.notify = function(message)
  table.insert(said, message)
end

--- How many hunks the server said it took back.
local undone = 0
vim.api.nvim_create_autocmd('User', {
  pattern = 'ClawEvent',
  callback = function(args)
    local event = args.data.event
    undone = undone + ((event.type == 'review' and event.decision == 'undone') and 1 or 0)
  end,
})

T.run(function()
  require('claw').setup({ settings = T.settings })
  local utils = T.open('src/click/utils.py')
  local text = T.text(utils)
  --- Waits until the buffer is as it was but for one piece.
  local function becomes(name, old, new)
    local start, stop = text:find(old, 1, true)
    local expected = text:sub(1, assert(start, old) - 1) .. new .. text:sub(stop + 1)
    T.wait(name, function()
      return T.text(utils) == expected
    end, function()
      return vim.diff(expected, T.text(utils))
    end)
    text = expected
  end
  local function waiting(count)
    T.wait(('%d hunks wait'):format(count), function()
      return #review.pending() == count
    end, shown)
  end

  local function comes(first)
    T.wait(('a hunk comes that puts in %q'):format(first), function()
      return hunk(first) ~= nil
    end, shown)
  end

  vim.cmd('Claw ask shorter words')
  waiting(4)

  -- Typing above: the hunks move along.
  local line = assert(hunk('total = 0')).start_line
  T.type('ggO# mine<Esc>')
  text = '# mine\n' .. text
  T.wait('hunks move with the text', function()
    local moved = hunk('total = 0')
    return moved and moved.start_line == line + 1
  end, shown)
  T.equal('and wait as before', T.drawn(utils).signs, { '~', '~', '~', '~' })

  -- Typing at a hunk: a conflict, drawn with both texts, and never accepted.
  T.cursor('Converts a value')
  T.type('0C    """Mine."""<Esc>')
  T.type('yyp')
  becomes('typed at a hunk', '    """Converts a value into a valid string."""', ('    """Mine."""\n'):rep(2):sub(1, -2))
  T.wait('it is a conflict', function()
    local conflict = hunk('"""Turns a value into text."""')
    -- With both lines: the first was typed before the second.
    return conflict and conflict.state == 'conflict' and #conflict.live == 2
  end, shown)
  local seen = T.drawn(utils)
  T.equal('with a sign of its own, on both lines of the user', { seen.signs[1], seen.conflict }, { '!', 2 })
  T.equal('Claw\'s line stands below', { seen.lines[1], seen.lines[2] }, { 'Claw\'s  :Claw resolve mine|claw|both', '"""Turns a value into text."""' })
  T.check('the title says so', seen.titles[1]:find('conflict', 1, true) ~= nil, seen.titles)
  T.check('the status counts it', require('claw.client').status()[1]:find('1 in conflict', 1, true) ~= nil, require('claw.client').status())
  vim.cmd('Claw accept')
  T.wait('it is not accepted', function()
    return (said[#said] or ''):find('changed meanwhile', 1, true) ~= nil
  end, function()
    return said
  end)
  vim.cmd('Claw edit')
  T.check('nor edited', said[#said]:find('settled first', 1, true) ~= nil and vim.api.nvim_get_current_buf() == utils, said)
  vim.cmd('Claw resolve nobody')
  T.check('nor settled by a word that says nothing', said[#said]:find('take what?', 1, true) ~= nil, said)
  vim.cmd('Claw resolve both')
  local mine = ('    """Mine."""\n'):rep(2)
  becomes('both are taken', mine, mine .. '    """Turns a value into text."""\n')
  waiting(3)
  T.type('u')
  T.equal('in one step of undo', T.text(utils), (text:gsub('    """Turns a value into text%."""\n', '')))
  T.type('<C-r>')
  T.equal('that redo brings again', T.text(utils), text)

  -- Lines of a hunk: those that pair with a selection, and by number.
  T.cursor('total_length = 0')
  T.type('V:Claw accept-lines<CR>')
  becomes('the selected line', '    total_length = 0\n', '    total = 0\n')
  comes('last = len(words) - 1')
  waiting(3) -- the lines that were accepted wait beside the others until they are seen in the text
  T.cursor('last_index = len(words)')
  vim.cmd('Claw accept-lines 1')
  becomes('the first of the lines that are left', '    last_index = len(words) - 1\n', '    last = len(words) - 1\n')
  comes('suffix = "..."')
  waiting(3) -- the lines that were accepted wait beside the others until they are seen in the text
  T.equal('two lines are left of the hunk', assert(hunk('suffix = "..."')).new, { '    suffix = "..."', '    limit = max_length' })
  vim.cmd('Claw accept-lines')
  T.check('lines must be said', said[#said]:find('which lines?', 1, true) ~= nil, said)
  vim.api.nvim_win_set_cursor(0, { assert(hunk('suffix = "..."')).start_line, 0 })
  vim.cmd('Claw reject not these')
  waiting(2)

  -- The proposed text, edited before it is accepted.
  T.cursor('# Account for the length')
  vim.cmd('Claw edit')
  T.equal('the hunk\'s text opens', { T.text(), vim.bo.filetype, vim.bo.modified }, { '    # Make room for the suffix.', 'python', false })
  T.type('A But not much.<Esc>')
  T.type(':wq<CR>')
  becomes('written, it is accepted', '# Account for the length of the suffix.', '# Make room for the suffix. But not much.')
  T.equal('the window is closed', vim.api.nvim_get_current_buf(), utils)
  waiting(1)

  -- A hunk made anew.
  T.cursor('# remove words')
  vim.cmd('Claw change say leave out')
  comes('# leave out words until it fits')
  waiting(1)
  T.equal('and is drawn', T.drawn(utils).lines, { '# leave out words until it fits' })

  -- One accepted hunk is one step of undo, and what that takes back is the user's own edit.
  local before = text
  vim.cmd('Claw accept')
  becomes('it is accepted', '# remove words until the length is short enough', '# leave out words until it fits')
  waiting(0)
  T.type('u')
  T.equal('one u gives the bytes before', T.text(utils), before)
  local id
  T.wait('the server has seen that it is gone', function()
    vim.cmd('Claw undo')
    vim.wait(50)
    id = said[#said]
    return id:find('does not hold it any more', 1, true) ~= nil or T.text(utils) ~= before
  end, function()
    return said
  end)
  T.equal('and takes back nothing for it', T.text(utils), before)
  T.type('<C-r>')
  T.equal('redo brings it again', T.text(utils), text)

  -- Taken back after more typing, which stays; and brought back.
  T.cursor('def make_default_short_help')
  T.type('O# typed later<Esc>')
  becomes('typed later', 'def make_default_short_help', '# typed later\ndef make_default_short_help')
  vim.cmd('Claw undo')
  becomes('taken back, after more typing', '# leave out words until it fits', '# remove words until the length is short enough')
  T.type('u')
  T.check('in one step', T.text(utils):find('# leave out words', 1, true) ~= nil)
  T.type('<C-r>')
  T.equal('that redo takes again', T.text(utils), text)
  T.wait('the server has seen it', function()
    return undone == 1
  end)
  vim.cmd('Claw redo')
  becomes('brought back', '# remove words until the length is short enough', '# leave out words until it fits')

  -- Any of what was accepted, out of order.
  vim.ui.select = function(items, opts, choose)
    for _, item in ipairs(items) do
      if opts.format_item(item):find('Make room', 1, true) then
        choose(item)
        return
      end
    end
    choose(nil)
  end
  vim.cmd('Claw undo pick')
  becomes('one is picked and taken back', '# Make room for the suffix. But not much.', '# Account for the length of the suffix.')

  -- What the server says beside a hunk: flags, and hunks that it needs.
  local client = require('claw.client').get(utils).id
  local function made(id, row, new, more)
    local made_hunk = { hunk = id, state = 'pending', start_line = row, old_text = T.lines(utils)[row] .. '\n', new_text = new, summary = id }
    return vim.tbl_extend('error', made_hunk, more)
  end
  local file = { uri = vim.uri_from_bufnr(utils), change = 'edit' }
  file.hunks = {
    made('one', 2, 'a\u{202e}b\n', { flags = { 'hidden_characters', 'protected' } }),
    made('two', 4, 'c\n', { needs = { 'three' }, flags = { 'syntax' } }),
    made('three', 6, 'd\n', {}),
  }
  review.set(client, { session = 'made', files = { file } })
  seen = T.drawn(utils)
  T.equal('hidden characters are spelt out', seen.lines, { 'a<U+202E>b', 'c', 'd' })
  T.equal('flags and needs stand with the titles', seen.titles, {
    '  ◆ 1/3 one  ▲ hides characters  ▲ protected path',
    '  ◆ 2/3 two  ▲ adds a syntax error  needs 3/3',
    '  ◆ 3/3 three',
  })
  local sent = {}
  require('claw.client').command = function(name, arguments)
    table.insert(sent, { name, arguments })
  end
  vim.api.nvim_win_set_cursor(0, { 4, 0 })
  vim.cmd('Claw accept needs')
  T.equal('what a hunk needs is accepted with it', sent, { { 'claw.acceptHunk', { session = 'made', hunk = 'two', with_needs = true } } })
end)
