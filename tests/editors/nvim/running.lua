--- Neovim with the plugin: hunks come while the turn runs, and are decided while it goes on.
local T = dofile(os.getenv('CLAW_TEST_REPO') .. '/tests/editors/nvim/support.lua')
vim.opt.runtimepath:prepend(T.repo .. '/editors/nvim')
vim.cmd.runtime('plugin/claw.lua')

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
  local before = T.text(utils)
  local function pending()
    return #require('claw.review').pending()
  end
  vim.cmd('Claw ask shorter words')
  T.wait('two hunks wait', function()
    return pending() == 2
  end, pending)
  T.equal('while the turn runs', #require('claw.progress').running(), 1)

  T.cursor('# Account for the length')
  vim.cmd('Claw accept')
  local after = before:gsub('# Account for the length of the suffix%.', '# Make room for the suffix.')
  T.wait('one is accepted', function()
    return T.text(utils) == after
  end)
  T.wait('and the other waits on', function()
    return pending() == 1
  end, pending)
  T.equal('the turn still runs', #require('claw.progress').running(), 1)
  vim.cmd('Claw undo')
  T.wait('it is taken back', function()
    return T.text(utils) == before and undone == 1
  end)
  vim.cmd('Claw redo')
  T.wait('and brought back', function()
    return T.text(utils) == after
  end)
  T.equal('the turn still runs after that', #require('claw.progress').running(), 1)

  vim.cmd('Claw cancel')
  T.wait('the turn stops', function()
    return #require('claw.progress').running() == 0
  end)
  T.equal('what was not decided waits', pending(), 1)
  T.cursor('Converts a value')
  vim.cmd('Claw accept')
  T.wait('and is accepted after the turn', function()
    return T.text(utils) == (after:gsub('Converts a value into a valid string', 'Turns a value into text')) and pending() == 0
  end, pending)
end)
