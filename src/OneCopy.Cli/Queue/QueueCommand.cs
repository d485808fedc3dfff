using System.CommandLine;

namespace OneCopy.Cli.Queue;

/// <summary><c>onecopy queue</c>: what queues there are, what is in them, and away with them.</summary>
internal static class QueueCommand
{
    public static Command Create() => new TeachingCommand("queue", "List queues, look into one, delete one.", """
        A queue is a directory under the root; it stays until it is deleted, or until the machine starts again.

        Examples:
          onecopy queue list
          onecopy queue stat photos
          onecopy queue delete photos
        """)
    {
        ListCommand.Create(),
        StatCommand.Create(),
        PeekCommand.Create(),
        TailCommand.Create(),
        DeleteCommand.Create(),
    };
}
