namespace OneCopy;

/// <summary>A file of the queue is not what it must be: of another version, of another queue, damaged, or written by somebody hostile.</summary>
public sealed class QueueCorruptException : OneCopyException
{
    /// <summary>Makes the exception.</summary>
    /// <param name="path">The file.</param>
    /// <param name="what">What is wrong with it.</param>
    public QueueCorruptException(string path, string what)
        : base($"{path}: {what}. Stop the queue's processes and delete it (onecopy queue delete), or open it with the version that made it.")
    {
        Path = path;
    }

    /// <summary>The file lost pages that were mapped and in use.</summary>
    internal static QueueCorruptException Truncated(string path) => new(path, "it was truncated while it was open");

    /// <summary>The file that is wrong.</summary>
    public string Path { get; }
}

/// <summary>
/// The sender took the message back (its send was cancelled or timed out) while this receiver held it. What was copied is not
/// the message: throw it away.
/// </summary>
public sealed class MessageWithdrawnException : OneCopyException
{
    internal MessageWithdrawnException()
        : base("The sender withdrew this message while it was held here; what was copied of it is not valid. Receive the next one.")
    {
    }
}

/// <summary>
/// The sender's process ended while its attached message was in the queue, and the payload went with its memory. Its send had not
/// completed. The loss is counted in the queue's statistics.
/// </summary>
public sealed class MessageLostException : OneCopyException
{
    internal MessageLostException(int pid)
        : base($"The sender (process {pid}) ended before its attached message was copied; the payload was in its memory and is gone. " +
            "Its send had not completed. Messages that must survive their sender are sent with Send or with SendOptions.SurviveSender.")
    {
    }
}
