using System.CommandLine;

namespace OneCopy.Cli.Queue;

/// <summary><c>onecopy queue</c>: what queues there are, what is in them, and away with them.</summary>
internal static class QueueCommand
{
    public static Command Create() => new TeachingCommand("queue", "List queues, look into one, empty it, replay its dead letters, clean up, delete it.", """
        A queue is a directory under the root; it stays until it is deleted, or until the machine starts again.

        Examples:
          onecopy queue list
          onecopy queue stat photos
          onecopy queue peek photos
          onecopy queue replay photos
          onecopy queue clean --all
          onecopy queue delete photos
        """)
    {
        ListCommand.Create(),
        StatCommand.Create(),
        PeekCommand.Create(),
        TailCommand.Create(),
        DrainCommand.Create(),
        PurgeCommand.Create(),
        ReplayCommand.Create(),
        CleanCommand.Create(),
        DeleteCommand.Create(),
    };
}
