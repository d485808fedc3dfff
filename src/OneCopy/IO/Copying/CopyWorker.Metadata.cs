using System.Text;
using OneCopy.Interop;

namespace OneCopy;

/// <content>Owner, attributes, mode and times, in the order in which none of them undoes another.</content>
internal sealed unsafe partial class CopyWorker
{
    private void KeepMetadata() => Metadata.Keep(_source, _destination, _status, isNew: _isNew, plainDirectory: _plainDirectory, existingMode: _before.stx_mode);

    /// <summary>The part of the work that directories have, too.</summary>
    public CopyMetadata Metadata { get; } = new(options, self);

    /// <summary>What could not be kept of the last file.</summary>
    public List<MetadataLoss> Losses => Metadata.Losses;
}
