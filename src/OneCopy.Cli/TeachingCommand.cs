using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace OneCopy.Cli;

/// <summary>A command with a short description for the list of its parent, and more words and examples for its own --help.</summary>
internal sealed class TeachingCommand(string name, string description, string details) : Command(name, description)
{
    public string Details { get; } = details;
}

/// <summary>The --help of every command: the library's, and behind it the details of a <see cref="TeachingCommand"/>.</summary>
internal sealed class TeachingHelp(HelpAction library) : SynchronousCommandLineAction
{
    /// <summary>The option for the root command; it holds for all below.</summary>
    public static HelpOption CreateOption()
    {
        HelpOption option = new() { Recursive = true };
        option.Action = new TeachingHelp((HelpAction)option.Action!);
        return option;
    }

    public override int Invoke(ParseResult parseResult)
    {
        int code = library.Invoke(parseResult);
        if (parseResult.CommandResult.Command is TeachingCommand { Details: string details })
            parseResult.InvocationConfiguration.Output.WriteLine(details);
        return code;
    }
}
