using System.Reflection;
using Xunit;

namespace OneCopy.Tests.Cli;

public class UsageTests
{
    [Theory]
    [InlineData("FILE is missing. Files, and directories with all below them.\nSee 'onecopy send --help'", "send", "q")]
    [InlineData("QUEUE is missing. The queue's name.\nFILE is missing.", "send")]
    [InlineData("QUEUE is missing.", "queue", "drain", "--print")]
    [InlineData("ADDRESS[:LENGTH] is missing.", "mem", "read", "1")]
    [InlineData("Where to: --to DIR or --print, one of the two.", "queue", "drain", "q")]
    [InlineData("Where to: --to DIR or --print, one of the two.", "queue", "drain", "q", "--print", "--to", "x")]
    [InlineData("Which: QUEUE or --all, one of the two.", "queue", "clean")]
    [InlineData("--count is a number from 1 on, not '-1'", "queue", "peek", "q", "--count", "-1")]
    [InlineData("'a/b' is no name for a queue", "send", "a/b", "x")]
    [InlineData("'soon' is not a number of seconds", "receive", "q", "--out", "x", "--timeout", "soon")]
    [InlineData("'--out' is required", "receive", "q")]
    [InlineData("--count is a number from 1 on, not '0'", "receive", "q", "--out", "x", "--count", "0")]
    [InlineData("--producers is a number from 1 to 32, not '0'", "demo", "--producers", "0")]
    [InlineData("--minutes is a number above 0, such as 0.5 or 10, not 'long'", "torture", "--minutes", "long")]
    [InlineData("See 'onecopy queue --help'", "queue")]
    [InlineData("See 'onecopy queue stat --help'", "queue", "stat")]
    [InlineData("See 'onecopy doctor --help'", "doctor", "--what")]
    public void WrongUsageEndsWithTwoAndASentence(string sentence, params string[] arguments)
    {
        Tool run = Tool.Run(arguments);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(sentence, run.Error, StringComparison.Ordinal);
        Assert.Equal("", run.Output.Trim());
    }

    [Fact]
    public void TheVersionIsThatOfTheLibrary()
    {
        string version = typeof(MessageQueue).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        Assert.Equal(version, Tool.Succeeds(["--version"]).Output.Trim());
    }

    [Theory]
    [InlineData]
    [InlineData("demo")]
    [InlineData("send")]
    [InlineData("receive")]
    [InlineData("queue")]
    [InlineData("queue", "list")]
    [InlineData("queue", "stat")]
    [InlineData("queue", "peek")]
    [InlineData("queue", "tail")]
    [InlineData("queue", "drain")]
    [InlineData("queue", "purge")]
    [InlineData("queue", "replay")]
    [InlineData("queue", "clean")]
    [InlineData("queue", "delete")]
    [InlineData("doctor")]
    [InlineData("torture")]
    [InlineData("bench")]
    [InlineData("bench", "files")]
    [InlineData("bench", "queue")]
    [InlineData("cp")]
    [InlineData("mem")]
    [InlineData("mem", "maps")]
    [InlineData("mem", "read")]
    [InlineData("mem", "write")]
    public void EveryHelpHasAnExample(params string[] command)
    {
        string help = Tool.Succeeds([.. command, "--help"]).Output;
        Assert.Contains($"Examples:\n  onecopy {string.Join(' ', command)}".TrimEnd(), help.Replace("\n      ", "\n  ", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain("worker", help, StringComparison.Ordinal);
    }
}
