using OneCopy.Cli.Terminal;
using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy.Cli.Doctor;

/// <summary>Whether queues can be where they are by default: the room, and a queue made, used and deleted.</summary>
internal static class QueueChecks
{
    // What a container gets if nobody asks for more.
    private const long Small = 64L << 20;

    public static IEnumerable<Check> All()
    {
        yield return SharedMemory();
        yield return Root();
    }

    private static Check SharedMemory()
    {
        const string Name = "/dev/shm";
        try
        {
            DriveInfo drive = new(Name);
            string value = $"{Sizes.Text(drive.AvailableFreeSpace)} free of {Sizes.Text(drive.TotalSize)}, {drive.DriveFormat}";
            return drive.AvailableFreeSpace > Small
                ? Check.Ok(Name, value)
                : Check.Warning(Name, value, "Senders wait, or get ENOSPC, when messages that are copied fill it.", "mount -o remount,size=1G /dev/shm (Docker: --shm-size 1g), or name another directory with ONECOPY_ROOT.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Check.Warning(Name, "not there", e.Message, "Mount a tmpfs there, or name another directory with ONECOPY_ROOT.");
        }
    }

    private static Check Root()
    {
        const string Name = "queues";
        string root = QueueDirectory.RootOf(null);
        bool wasThere = Directory.Exists(root);
        try
        {
            RoundTrip($"doctor-{Environment.ProcessId}-{Guid.NewGuid():N}");
            return Check.Ok(Name, root, "One was made there, a message sent and received, and deleted.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or TimeoutException)
        {
            return Check.Problem(Name, root, e.Message, "Make the directory one that this user may write to and no other, or name another one with ONECOPY_ROOT.");
        }
        finally
        {
            if (!wasThere)
                Fcntl.rmdir(root); // Fails, as it should, if a queue was made there meanwhile.
        }
    }

    private static void RoundTrip(string name)
    {
        try
        {
            using MessageQueue queue = MessageQueue.Open(name, new QueueOptions { RingCapacity = 64, Blocks = 64, MaxParticipants = 2 });
            queue.Send("hello"u8);
            using ReceivedMessage message = queue.Receive(TimeSpan.FromSeconds(10));
            if (!message.ToArray().AsSpan().SequenceEqual("hello"u8))
                throw new IOException("What was received is not what was sent.");
            message.Complete();
        }
        finally
        {
            MessageQueue.Delete(name);
        }
    }
}
