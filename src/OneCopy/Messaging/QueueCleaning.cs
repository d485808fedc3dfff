namespace OneCopy.Messaging;

/// <summary>What <see cref="MessageQueue.Clean"/> did.</summary>
internal sealed class QueueCleaning
{
    private readonly List<string> _files = [];
    private readonly HashSet<long> _unrecovered = [];

    /// <summary>Names of the files that are gone, in order; among them those that others removed meanwhile.</summary>
    public IReadOnlyList<string> Files => _files;

    /// <summary>What these files took of the file system.</summary>
    public long Bytes { get; private set; }

    /// <summary>Participants that were found dead and were recovered.</summary>
    public int Recovered { get; private set; }

    /// <summary>Participants that were found dead, but hold messages that the ring has no room for: clean again when some were received.</summary>
    public int Unrecovered => _unrecovered.Count;

    /// <summary>Messages that the dead held and that wait for a receiver again.</summary>
    public int GivenBack { get; private set; }

    /// <summary>Attached messages that were lost with the dead that were sending them.</summary>
    public int Lost { get; private set; }

    /// <summary>The directory was no queue (any more) and is gone.</summary>
    public bool DirectoryRemoved { get; set; }

    public void Add(Participant dead, Recovery recovery, bool done)
    {
        // One that is tried again is counted once.
        Recovered += done ? 1 : 0;
        _ = done ? _unrecovered.Remove(dead.Incarnation) : _unrecovered.Add(dead.Incarnation);
        GivenBack += recovery.GivenBack;
        Lost += recovery.Lost;
    }

    public void Add(string file, long bytes)
    {
        _files.Add(file);
        Bytes += bytes;
    }
}
