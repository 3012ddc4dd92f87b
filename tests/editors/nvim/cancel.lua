--- Neovim with the plugin: a turn that takes long says so, and stops when it is told to.
local T = dofile(os.getenv('CLAW_TEST_REPO') .. '/tests/editors/nvim/support.lua')
vim.opt.runtimepath:prepend(T.repo .. '/editors/nvim')
vim.cmd.runtime('plugin/claw.lua')

T.run(function()
  local ends = {}
  vim.api.nvim_create_autocmd('User', {
    pattern = 'ClawEvent',
    callback = function(args)
      if args.data.event.type == 'turn_end' then
        table.insert(ends, args.data.event.status)
      end
    end,
  })
  require('claw').setup({ settings = T.settings })
  T.open('src/click/utils.py')
  vim.cmd('1,20Claw ask take your time')
  T.wait('the turn is shown', function()
    return #require('claw.progress').running() == 1
  end)
  T.check('the status names it', require('claw').statusline():find('take your time', 1, true) ~= nil, require('claw').statusline())
  vim.cmd('Claw cancel')
  T.wait('the turn ends as cancelled', function()
    return vim.deep_equal(ends, { 'cancelled' })
  end, function()
    return ends
  end)
  T.wait('nothing is shown', function()
    return require('claw').statusline() == ''
  end, function()
    return require('claw').statusline()
  end)
  T.equal('the server lives', require('claw.client').status(), { 'claw: ready, nothing runs and nothing waits for review' })
end)
