using System.Text.RegularExpressions;
using Xunit;

namespace OneCopy.Tests.Interop;

/// <summary>The C library is called from src/OneCopy/Interop and from nowhere else.</summary>
public partial class OnlyHereTests
{
    [GeneratedRegex(@"\[\s*(LibraryImport|DllImport)\s*\(|NativeLibrary\s*\.\s*(Load|TryLoad|GetExport)", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Import();

    [Fact]
    public void NoOtherFolderImportsFunctions()
    {
        string root = RepositoryRoot();
        string home = Path.Combine(root, "src", "OneCopy", "Interop") + Path.DirectorySeparatorChar;
        int imports = 0;
        List<string> elsewhere = [];
        foreach (string file in SourceFiles(root))
        {
            bool found = Import().IsMatch(File.ReadAllText(file));
            if (found && file.StartsWith(home, StringComparison.Ordinal))
                imports++;
            else if (found)
                elsewhere.Add(Path.GetRelativePath(root, file));
        }
        Assert.True(imports > 5, $"Only {imports} files with imports were found below {home}: the search is broken.");
        Assert.True(elsewhere.Count == 0, $"Functions of the C library are imported outside src/OneCopy/Interop, in {string.Join(", ", elsewhere)}.");
    }

    private static IEnumerable<string> SourceFiles(string root) => new[] { "src", "tests", "samples", "bench" }
        .Select(folder => Path.Combine(root, folder))
        .Where(Directory.Exists)
        .SelectMany(folder => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories))
        .Where(file => !Path.GetFileName(file).Equals("OnlyHereTests.cs", StringComparison.Ordinal));

    private static string RepositoryRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "OneCopy.slnx")))
                return folder.FullName;
        }
        Assert.Skip("The sources are not there: the tests run outside the repository.");
        return "";
    }
}
