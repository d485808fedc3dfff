using System.CommandLine;
using OneCopy.Cli.Bench.Files;

namespace OneCopy.Cli.Bench;

/// <summary><c>onecopy bench</c>.</summary>
internal static class BenchCommand
{
    public static Command Create() => new TeachingCommand("bench", "Measure the ways to move data on this machine, and say which one wins, and why.", """
        Examples:
          onecopy bench files --quick
          onecopy bench queue --quick
          onecopy bench files --dir /data --plot files.svg
        """)
    {
        FilesBenchCommand.Create(),
        QueueBenchCommand.Create(),
    };
}
