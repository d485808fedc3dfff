using System.CommandLine;

namespace OneCopy.Cli.Mem;

/// <summary><c>onecopy mem</c>: another process's memory from the command line.</summary>
internal static class MemCommand
{
    public static Command Create() => new TeachingCommand("mem", "Look into another process's memory, and change it.", """
        The rights needed are a debugger's: the same user and group and a target that is dumpable, or CAP_SYS_PTRACE. Where they are
        refused, the message says which rule refused and what helps.

        Examples:
          onecopy mem maps PID
          onecopy mem read PID 0x7f0c2a1b3000:64
        """)
    {
        MapsCommand.Create(),
        ReadCommand.Create(),
        WriteCommand.Create(),
    };
}
