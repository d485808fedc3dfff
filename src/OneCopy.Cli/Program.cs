using System.CommandLine;
using OneCopy.Cli.Mem;

namespace OneCopy.Cli;

internal static class Program
{
    private static int Main(string[] args)
    {
        ParseResult parsed = new RootCommand("OneCopy moves data between processes with at most one copy.") { MemCommand.Create() }.Parse(args);
        int code = parsed.Invoke();

        // The library ends wrong usage with 1, which here means that the work failed.
        return parsed.Errors.Count > 0 ? 2 : code;
    }
}
