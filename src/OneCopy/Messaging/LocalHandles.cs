using System.Collections.Concurrent;

namespace OneCopy.Messaging;

/// <summary>
/// The handles that are open in this process. A file can say of itself that it is this process's, and name our nonce, which others can
/// read; so whether it is, is asked here.
/// </summary>
internal static class LocalHandles
{
    private static readonly ConcurrentDictionary<(Guid Queue, long Incarnation), OwnPostings> s_open = new();

    public static void Add(Participant self, OwnPostings postings) => s_open[(self.QueueId, self.Incarnation)] = postings;

    public static void Remove(Participant self) => s_open.TryRemove((self.QueueId, self.Incarnation), out _);

    /// <summary>The private half of its postings, if it is a handle of this process; else null.</summary>
    public static OwnPostings? Of(Participant file) =>
        file.Pid == ProcessIdentity.Pid && s_open.TryGetValue((file.QueueId, file.Incarnation), out OwnPostings? postings) ? postings : null;
}
