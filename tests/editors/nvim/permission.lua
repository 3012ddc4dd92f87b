--- Neovim with the plugin: a command is asked before it runs, and so is what the model wants to know; what a command prints and
--- the steps of a plan go by without disturbing hunks and status.
local T = dofile(os.getenv('CLAW_TEST_REPO') .. '/tests/editors/nvim/support.lua')
vim.opt.runtimepath:prepend(T.repo .. '/editors/nvim')
vim.cmd.runtime('plugin/claw.lua')

--- Text of the window that stands over the others, if there is one.
local function floating()
  for _, win in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(win).relative ~= '' then
      return T.text(vim.api.nvim_win_get_buf(win))
    end
  end
end

T.run(function()
  local asked, results, printed, steps = {}, {}, '', {}
  local answers = { ['Do you trust'] = 'Trust', ['ls src/click'] = 'Allow once', ['Keep the list?'] = 'Keep it' }
  vim.ui.select = function(items, opts, choose)
    local titles = vim.tbl_map(opts.format_item, items)
    local seen = { text = floating() or opts.prompt, titles = titles, win = vim.api.nvim_get_current_win() }
    table.insert(asked, seen)
    for words, title in pairs(answers) do
      if seen.text:find(words, 1, true) then
        return choose(items[vim.fn.index(titles, title) + 1])
      end
    end
    choose(nil)
  end
  vim.api.nvim_create_autocmd('User', {
    pattern = 'ClawEvent',
    callback = function(args)
      local event = args.data.event
      if event.type == 'tool_output' then
        printed = printed .. event.delta
      elseif event.type == 'tool_result' then
        table.insert(results, event)
      end
    end,
  })
  vim.api.nvim_create_autocmd('LspProgress', {
    callback = function(args)
      table.insert(steps, args.data.params.value.message or '')
    end,
  })
  require('claw').setup({ settings = T.settings, root_markers = { '.git' } })
  T.open('src/click/utils.py')
  local win = vim.api.nvim_get_current_win()
  vim.cmd('Claw ask list the modules')
  T.wait('the turn ends', function()
    return #results == 3 and #require('claw.progress').running() == 0
  end, function()
    return { asked = asked, results = results }
  end)

  T.equal('trust, the command, the question', #asked, 3)
  T.check('the folder is named', asked[1].text:find(vim.uv.fs_realpath(T.work), 1, true) ~= nil, asked[1])
  T.equal('what trust offers', asked[1].titles, { 'Trust', 'Do not trust' })
  T.check('the whole command is shown', asked[2].text:find('ls src/click | tee modules.txt\n', 1, true) ~= nil, asked[2])
  T.equal('and what it offers', asked[2].titles, { 'Allow once', 'Allow for this session', 'Deny' })
  T.equal('what the model asks', asked[3].titles, { 'Keep it', 'Drop it' })
  T.check('the cursor stays where it was', asked[2].win == win and vim.api.nvim_get_current_win() == win)
  T.equal('no window is left', floating(), nil)
  T.check('the command ran', results[2].ok and results[2].output:find('core.py', 1, true) ~= nil, results[2])
  T.check('what it printed came while it ran', printed:find('core.py', 1, true) ~= nil, printed)
  T.equal('the model is told the answer', results[3].output, 'The user answers: Keep it')
  T.check('the step of the plan is shown', vim.list_contains(steps, '1/2 list the modules'), steps)

  T.equal('what the command made waits for review', #require('claw.review').pending(), 1)
  T.equal('and is counted', require('claw').statusline(), 'claw: 1 to review')
  T.equal('nothing is written', T.disk('modules.txt'), nil)
  vim.cmd('Claw accept-all')
  T.wait('it is accepted', function()
    return #require('claw.review').pending() == 0
  end)
end)
