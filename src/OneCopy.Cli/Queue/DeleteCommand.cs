using System.CommandLine;

namespace OneCopy.Cli.Queue;

/// <summary><c>onecopy queue delete QUEUE</c>.</summary>
internal static class DeleteCommand
{
    public static Command Create()
    {
        Argument<string> name = QueueArguments.Queue();
        Option<string?> root = QueueArguments.Root();
        Command command = new TeachingCommand("delete", "Delete a queue with all its messages.", """
            A queue that a process has open is not deleted; the message names the processes. Its dead letters are a queue of their own.

            Examples:
              onecopy queue delete photos
              onecopy queue delete photos.dead
            """)
        { name, root };
        command.SetAction(parsed => Outcome.Of(() => Run(parsed.GetValue(name)!, parsed.GetValue(root))));
        return command;
    }

    private static int Run(string name, string? root)
    {
        if (MessageQueue.Delete(name, root))
        {
            Console.WriteLine($"Queue {name} is deleted.");
            return 0;
        }

        Console.Error.WriteLine($"There is no queue {name} in {Look.RootOf(root)}. 'onecopy queue list' shows what there is.");
        return Outcome.Failed;
    }
}
