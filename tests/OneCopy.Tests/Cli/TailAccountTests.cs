using OneCopy.Cli.Queue;
using Xunit;

namespace OneCopy.Tests.Cli;

/// <summary>What a tail says that it did not see.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public class TailAccountTests
{
    [Fact]
    public void AGapIsToldOnceAndAfterAnotherLook()
    {
        TailAccount account = new();
        account.Begin(1, 5, shown: true);
        Assert.False(account.IsNew(1, 5));
        Assert.True(account.IsNew(1, 6));
        account.Add(1, 7);
        account.Add(1, 9);
        Assert.Empty(account.EndOfLook());

        // 6 comes late, 8 never: told at the second look, and not again.
        Assert.True(account.IsNew(1, 6));
        account.Add(1, 6);
        Assert.Equal([(1L, 1L)], account.EndOfLook());
        Assert.Empty(account.EndOfLook());
        Assert.True(account.IsNew(1, 8));
        Assert.False(account.IsNew(1, 7));
        Assert.Equal(4, account.Shown);
    }

    [Fact]
    public void ASenderThatComesLaterBeginsWithOne()
    {
        TailAccount account = new();
        account.Add(2, 3);
        account.EndOfLook().Count();
        Assert.Equal([(2L, 2L)], account.EndOfLook());
    }

    [Fact]
    public void MoreThanCanBeRememberedAreCountedAllTheSame()
    {
        TailAccount account = new();
        account.Begin(1, 1, shown: false);
        account.Add(1, 1_000_002);
        Assert.Equal(1_000_000, account.EndOfLook().Concat(account.EndOfLook()).Sum(m => m.Missing));
        Assert.Empty(account.EndOfLook());
    }
}
