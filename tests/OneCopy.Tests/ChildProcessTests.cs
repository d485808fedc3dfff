using Xunit;

namespace OneCopy.Tests;

public class ChildProcessTests
{
    [Fact]
    public void LinesGoInAndOut()
    {
        using ChildProcess child = ChildProcess.Start("echo", "ready", "now");
        Assert.Equal("ready now", child.ReadLine());
        child.WriteLine("one");
        Assert.Equal("one", child.ReadLine());
        child.Finish();
    }

    [Fact]
    public void AKilledChildIsGone()
    {
        using ChildProcess child = ChildProcess.Start("echo");
        child.ReadLine();
        child.Kill();
        Assert.Equal(137, child.WaitForExit());
    }

    [Fact]
    public void AMissingLineIsReportedWithTheChildsWords()
    {
        using ChildProcess child = ChildProcess.Start("no-such-mode");
        InvalidOperationException e = Assert.Throws<InvalidOperationException>(() => child.ReadLine());
        Assert.Contains("exit code 2", e.Message, StringComparison.Ordinal);
        Assert.Contains("Usage:", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ASilentChildIsReportedInTime()
    {
        using ChildProcess child = ChildProcess.StartProgram("cat");
        TimeoutException e = Assert.Throws<TimeoutException>(() => child.ReadLine(TimeSpan.FromMilliseconds(50)));
        Assert.Contains("cat", e.Message, StringComparison.Ordinal);
    }
}
