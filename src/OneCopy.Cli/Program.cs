using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Runtime.CompilerServices;
using OneCopy.Cli.Bench;
using OneCopy.Cli.Copy;
using OneCopy.Cli.Demo;
using OneCopy.Cli.Doctor;
using OneCopy.Cli.Files;
using OneCopy.Cli.Mem;
using OneCopy.Cli.Queue;
using OneCopy.Cli.Torture;

namespace OneCopy.Cli;

internal static class Program
{
    private static int Main(string[] args)
    {
        if (args is [CopyCommand.Name, .. string[] rest] && CopySettings.TryRead(rest) is { } copy)
            return CopyRun.Run(copy);
        return Run(CreateRoot(), args);
    }

    // Apart from Main, which would load all that this needs.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Command CreateRoot()
    {
        // No RootCommand: that one calls itself by the assembly's name.
        Command root = new TeachingCommand("onecopy", "OneCopy moves data between processes with at most one copy.", """
            Begin with 'onecopy demo', or 'onecopy doctor' if something does not work. Every command has its own --help.

            Examples:
              onecopy demo
              onecopy send photos ~/Pictures
              onecopy receive photos --out ~/incoming --timeout 5
            """)
        {
            TeachingHelp.CreateOption(),
            new VersionOption(),
            DemoCommand.Create(),
            SendCommand.Create(),
            ReceiveCommand.Create(),
            QueueCommand.Create(),
            DoctorCommand.Create(),
            MemCommand.Create(),
            CopyCommand.Create(),
            BenchCommand.Create(),
            TortureCommand.Create(),
            DemoCommand.CreateWorker(),
            DoctorCommand.CreateWorker(),
            TortureCommand.CreateWorker(),
            QueueBenchCommand.CreateWorker(),
        };
        return root;
    }

    /// <summary>0: done. 1: it failed. 2: wrong usage, which is said in a line and not by all of --help.</summary>
    internal static int Run(Command root, string[] args)
    {
        ParseResult parsed = root.Parse(args);
        if (parsed.Action is ParseErrorAction wrong)
        {
            wrong.ShowHelp = false;
            string command = string.Join(' ', CommandsOf(parsed).Reverse());
            Argument[] missing = Missing(parsed);
            if (missing.Length == 0)
            {
                int code = parsed.Invoke();
                Console.Error.WriteLine($"See '{command} --help'.");
                return code == 0 ? 0 : 2;
            }

            // The parser says that one is missing, and not which.
            foreach (Argument argument in missing)
                Console.Error.WriteLine($"{argument.Name} is missing. {argument.Description}");
            Console.Error.WriteLine($"See '{command} --help'.");
            return 2;
        }
        return parsed.Invoke();
    }

    private static Argument[] Missing(ParseResult parsed) =>
        [.. parsed.CommandResult.Command.Arguments.Where(a => (parsed.GetResult(a)?.Tokens.Count ?? 0) < a.Arity.MinimumNumberOfValues)];

    private static IEnumerable<string> CommandsOf(ParseResult parsed)
    {
        for (SymbolResult? result = parsed.CommandResult; result is CommandResult command; result = command.Parent)
            yield return command.Command.Name;
    }
}
